import { hasSubscribers } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import type { ScenarioName } from '../../emulator/order.ts'
import type { ModelEvent, ModelFailure } from '../../server/model/port.ts'
import { CHUNKS, type Check, endOf, failureOf, never, read, request, TEXT, textOf } from './model-bench.ts'

const json = { 'content-type': 'application/json' }
/** Answers that look free by their status alone. */
const unwhole: [string, RequestListener][] = [
  [
    'a 503 that breaks off',
    (_, res) => {
      res.writeHead(503, { ...json, 'content-length': 100 })
      res.write('{"error":', () => res.destroy())
    },
  ],
  ['a 418', (_, res) => res.writeHead(418, json).end('{"error":{"message":"x"}}')],
  ['a 504', (_, res) => res.writeHead(504, json).end('{"error":{"message":"x"}}')],
]

async function serve(answer: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}`, close }
}

/** What goes wrong upstream, told in our words and billed as it may be. */
export function failures(check: Check) {
  const free = { billing: 'free', retryable: false } as const
  const unknown = { billing: 'unknown', retryable: false } as const
  const answered: [ScenarioName, ModelFailure][] = [
    ['invalid-400', { kind: 'bad_request', ...free, status: 400 }],
    ['key-400', { kind: 'unauthorized', ...free, status: 400 }],
    ['location-400', { kind: 'location', ...free, status: 400 }],
    ['unauthorized-401', { kind: 'unauthorized', ...free, status: 401 }],
    ['forbidden-403', { kind: 'unauthorized', ...free, status: 403 }],
    ['not-found-404', { kind: 'not_found', ...free, status: 404 }],
    ['minute-429', { kind: 'rate_limited', billing: 'free', retryable: true, retryAfterMs: 2500, status: 429 }],
    ['day-429', { kind: 'quota_exhausted', ...free, status: 429 }],
    ['error-500', { kind: 'upstream_error', billing: 'unknown', retryable: true, status: 500 }],
    ['html-502', { kind: 'upstream_error', ...unknown, status: 502 }],
    ['unavailable-503', { kind: 'unavailable', billing: 'free', retryable: true, status: 503 }],
  ]
  for (const [name, failure] of answered) {
    check(
      `error.message holds the URL and can quote the key: ${name} is told in our words`,
      { name, retryDelaySeconds: 2.5 },
      async (bench) => {
        const events = await read(bench.model().answer(request, never()))
        assert.equal(events, [{ type: 'failure', failure }])
        assert.is(bench.emulator.ledger().requests, 1)
        assert.match(bench.lines.join(), `"kind":"${failure.kind}","status":${failure.status}`)
      },
    )
  }

  const broken: [ScenarioName, ModelFailure['kind'][]][] = [
    ['reset', ['network']],
    ['half-event', ['malformed']],
    ['malformed-json', ['malformed']],
    ['error-event', ['unavailable']],
    // One SDK can't parse it, the other reads the error.
    ['error-raw', ['malformed', 'unavailable']],
  ]
  for (const [name, kinds] of broken) {
    check(`a break mid-stream rejects the SDK's second promise: ${name} is one failure`, { name }, async (bench) => {
      const events = await read(bench.model().answer(request, never()))
      assert.ok(textOf(events))
      const { kind, status, ...rest } = failureOf(events)
      assert.ok(kinds.includes(kind), kind)
      assert.is(status, kind === 'unavailable' ? 503 : undefined)
      assert.equal(rest, unknown)
    })
  }

  check(
    'redirects are followed with the key: a redirect is refused before it is followed',
    { name: 'redirect' },
    async (bench) => {
      const events = await read(bench.model().answer(request, never()))
      assert.equal(events, [{ type: 'failure', failure: { kind: 'upstream_error', ...unknown } }])
      assert.is(bench.emulator.ledger().redirected, 0)
    },
  )

  for (const [title, answer] of unwhole) {
    check(`free are only whole answers of Google's: ${title} may be billed`, null, async (bench) => {
      const server = await serve(answer)
      const { billing } = failureOf(await read(bench.model({ baseUrl: server.url }).answer(request, never())))
      server.close()
      assert.is(billing, 'unknown')
    })
  }

  check('the answer is asked for uncompressed, so that counting its bytes bounds it', null, async (bench) => {
    let encoding: string | undefined
    const server = await serve((req, res) => {
      encoding = req.headers['accept-encoding']
      res.end()
    })
    assert.is(endOf(await read(bench.model({ baseUrl: server.url }).answer(request, never()))).reason, 'interrupted')
    server.close()
    assert.is(encoding, 'identity')
  })

  check('nobody listens: a network failure, which may have been billed', null, async (bench) => {
    const model = bench.model()
    await bench.emulator.close()
    assert.equal(failureOf(await read(model.answer(request, never()))), { kind: 'network', ...unknown })
  })
}

const aborted: ModelEvent = { type: 'failure', failure: { kind: 'aborted', billing: 'unknown', retryable: false } }
const closedByClient = ({ open, entries }: { open: number; entries: readonly { closedBy?: string }[] }) =>
  open === 0 && entries.length > 0 && entries.every(({ closedBy }) => closedBy === 'client')

/** Aborts and readers that go away. */
export function leaving(check: Check) {
  check('a signal aborted already is ignored by the SDK: nothing is sent', { name: 'ok' }, async (bench) => {
    assert.equal(await read(bench.model().answer(request, AbortSignal.abort())), [aborted])
    assert.is(bench.emulator.ledger().requests, 0)
  })

  for (const order of [{ name: 'no-headers' }, { name: 'ok', gated: true }] as const) {
    check(
      `an abort before the first chunk (${order.name}) is an abort, and closes the upstream`,
      order,
      async (bench) => {
        const stop = new AbortController()
        const reading = read(bench.model().answer(request, stop.signal))
        await bench.emulator.changed(({ requests }) => requests === 1)
        stop.abort()
        assert.equal(await reading, [aborted])
        await bench.emulator.changed(closedByClient)
      },
    )
  }

  check(
    'an abort after the first chunk is a generic error: it is still an abort, and closes the upstream',
    { name: 'stall' },
    async (bench) => {
      const stop = new AbortController()
      const events: ModelEvent[] = []
      for await (const event of bench.model().answer(request, stop.signal)) {
        events.push(event)
        if (event.type === 'text') stop.abort()
      }
      assert.equal(events.at(-1), aborted)
      await bench.emulator.changed(closedByClient)
    },
  )

  check('leaving the iterator does not close the upstream: ours does', { name: 'stall' }, async (bench) => {
    for await (const event of bench.model().answer(request, never())) if (event.type === 'text') break
    await bench.emulator.changed(closedByClient)
  })

  check('leaving while the next event is awaited closes it too', { name: 'no-headers' }, async (bench) => {
    const events = bench.model().answer(request, never())[Symbol.asyncIterator]()
    const next = events.next()
    await bench.emulator.changed(({ requests }) => requests === 1)
    await events.return?.()
    assert.equal((await next).value, aborted)
    await bench.emulator.changed(closedByClient)
  })

  check(
    'listeners are never removed by the SDK: 100 aborted calls leave none, nor sockets or watchers',
    { name: 'stall' },
    async (bench) => {
      const model = bench.model()
      const outer = new AbortController()
      for (let call = 0; call < 100; call += 1) {
        const events = model.answer(request, outer.signal)[Symbol.asyncIterator]()
        await events.next()
        assert.is(getEventListeners(outer.signal, 'abort').length, 1)
        await events.return?.()
      }
      assert.is(getEventListeners(outer.signal, 'abort').length, 0)
      assert.not.ok(hasSubscribers('undici:request:create'))
      assert.not.ok(hasSubscribers('undici:client:sendHeaders'))
      const { requests } = await bench.emulator.changed(closedByClient)
      assert.is(requests, 100)
    },
  )
}

/** Every wait has its end. */
export function patience(check: Check) {
  const timedOut = (kind: ModelFailure['kind']): ModelFailure => ({ kind, billing: 'unknown', retryable: false })

  for (const order of [{ name: 'no-headers' }, { name: 'ok', gated: true }] as const) {
    check(
      `the SDK has no timeout by default: no first chunk (${order.name}) ends in its time`,
      order,
      async (bench) => {
        const reading = read(bench.model().answer(request, never()))
        await bench.emulator.changed(({ requests }) => requests === 1)
        bench.clock.advance(14_999)
        assert.is(bench.emulator.ledger().open, 1)
        bench.clock.advance(1)
        assert.equal(failureOf(await reading), timedOut('first_chunk_timeout'))
        await bench.emulator.changed(closedByClient)
      },
    )
  }

  check(
    'a stall between chunks ends in its time, and the text before it stands',
    { name: 'stall', chunks: CHUNKS },
    async (bench) => {
      const events = bench.model().answer(request, never())[Symbol.asyncIterator]()
      let text = ''
      while (text !== CHUNKS.slice(0, 2).join('')) {
        const { value } = await events.next()
        if (value?.type === 'text') text += value.text
      }
      const next = events.next()
      await turn()
      bench.clock.advance(9999)
      await turn()
      assert.is(bench.emulator.ledger().open, 1)
      bench.clock.advance(1)
      assert.equal((await next).value, { type: 'failure', failure: timedOut('chunk_timeout') })
      await events.return?.()
      await bench.emulator.changed(closedByClient)
    },
  )

  check('a slow reader is no stall', { name: 'ok', chunks: CHUNKS }, async (bench) => {
    const events: ModelEvent[] = []
    for await (const event of bench.model().answer(request, never())) {
      events.push(event)
      if (events.length === 1) bench.clock.advance(30_000)
    }
    assert.is(textOf(events), TEXT)
    assert.is(endOf(events).reason, 'complete')
  })

  check(
    'a trickle ends when the whole answer took too long',
    { name: 'ok', gated: true, chunks: Array(20).fill('mot ') },
    async (bench) => {
      const events: ModelEvent[] = []
      bench.emulator.release(1)
      for await (const event of bench.model().answer(request, never())) {
        events.push(event)
        bench.clock.advance(5000)
        bench.emulator.release(1)
      }
      assert.equal(failureOf(events), timedOut('answer_timeout'))
      await bench.emulator.changed(closedByClient)
    },
  )
}

/** What upstream may send is bounded. */
export function sizes(check: Check) {
  check(
    'one event of megabytes costs the SDK quadratic time: it is cut off on the wire',
    { name: 'huge-event' },
    async (bench) => {
      const events = await read(bench.model({ maxAnswerBytes: 100_000 }).answer(request, never()))
      assert.equal(failureOf(events), { kind: 'too_large', billing: 'unknown', retryable: false })
      assert.is(textOf(events), '')
      await bench.emulator.changed(closedByClient)
    },
  )

  check('thousands of chunks within the bound are read whole', { name: 'long' }, async (bench) => {
    const events = await read(bench.model().answer({ ...request, maxOutputTokens: 8000 }, never()))
    assert.is(textOf(events).length, 3000)
  })

  check('thousands of chunks beyond the bound are cut off', { name: 'long' }, async (bench) => {
    const events = await read(bench.model({ maxAnswerBytes: 50_000 }).answer(request, never()))
    assert.is(failureOf(events).kind, 'too_large')
  })

  check(
    'calls that follow each other on one connection are bounded each on its own',
    { name: 'ok', chunks: CHUNKS },
    async (bench) => {
      const model = bench.model({ maxAnswerBytes: 4000 })
      for (let call = 0; call < 20; call += 1) assert.is(textOf(await read(model.answer(request, never()))), TEXT)
    },
  )
}
