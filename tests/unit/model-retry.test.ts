import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Random } from '../../server/clock.ts'
import type { Model, ModelEvent, ModelFailure } from '../../server/model/port.ts'
import { type RetryOptions, withRetry } from '../../server/model/retry.ts'
import { manualClock } from '../helpers/manual-clock.ts'

const request = { system: '', turns: [{ role: 'user', text: 'Bonjour' }], maxOutputTokens: 10 } as const
const half: Random = { float: () => 0.5, token: () => '' }
const unavailable: ModelFailure = { kind: 'unavailable', billing: 'free', retryable: true, status: 503 }
const internal: ModelFailure = { kind: 'upstream_error', billing: 'unknown', retryable: true, status: 500 }
const fails = (failure: ModelFailure): ModelEvent[] => [{ type: 'failure', failure }]
const answer: ModelEvent[] = [
  { type: 'text', text: 'Bonjour marin !' },
  { type: 'end', reason: 'complete' },
]

/** A model that plays one list of events for each call, and counts them. */
const scripted = (...plays: ModelEvent[][]): Model & { calls: number } => ({
  calls: 0,
  async *answer() {
    const play = plays[this.calls]
    this.calls += 1
    yield* play ?? []
  },
})

const setup = (options: Partial<RetryOptions> = {}) => {
  const clock = manualClock()
  const whole: RetryOptions = { attempts: 3, maxDelayMs: 4000, patienceMs: 15_000, clock, random: half, ...options }
  return { clock, options: whole }
}

/** Reads to the end; each wait found is advanced past, and its length noted. */
async function read(model: Model, { clock, options }: ReturnType<typeof setup>, signal = new AbortController().signal) {
  const events: ModelEvent[] = []
  const waits: number[] = []
  let over = false
  const reading = (async () => {
    for await (const event of withRetry(model, options).answer(request, signal)) events.push(event)
    over = true
  })()
  while (!over) {
    await Promise.race([reading, clock.waiting(1)])
    const before = clock.monotonic()
    while (clock.pending()) clock.advance(1)
    if (clock.monotonic() > before) waits.push(clock.monotonic() - before)
  }
  return { events, waits }
}

test('a free failure is tried again, three times in all, with doubling jittered waits', async () => {
  const model = scripted(fails(unavailable), fails(unavailable), answer)
  const { events, waits } = await read(model, setup())
  assert.equal(events, answer)
  assert.equal(waits, [250, 500])
})

test('the last attempt hands its failure on', async () => {
  const model = scripted(fails(unavailable), fails(unavailable), fails(unavailable), answer)
  const { events } = await read(model, setup())
  assert.equal(events, fails(unavailable))
  assert.is(model.calls, 3)
})

test('what is not retryable is not retried', async () => {
  const unauthorized: ModelFailure = { kind: 'unauthorized', billing: 'free', retryable: false, status: 403 }
  const model = scripted(fails(unauthorized), answer)
  assert.equal((await read(model, setup())).events, fails(unauthorized))
  assert.is(model.calls, 1)
})

test('nothing is retried once text has come', async () => {
  const play: ModelEvent[] = [{ type: 'text', text: 'Bon' }, ...fails(unavailable)]
  const model = scripted(play, answer)
  assert.equal((await read(model, setup())).events, play)
  assert.is(model.calls, 1)
})

test('RetryInfo is honoured: never sooner, jitter on top', async () => {
  const model = scripted(fails({ ...unavailable, retryAfterMs: 3000 }), answer)
  const { events, waits } = await read(model, setup())
  assert.equal(events, answer)
  assert.equal(waits, [3250])
})

test('a wait that does not fit the remaining patience is not begun', async () => {
  const late = { ...unavailable, retryAfterMs: 15_000 }
  const model = scripted(fails(late), answer)
  const { events, waits } = await read(model, setup())
  assert.equal(events, fails(late))
  assert.equal(waits, [])
})

test('patience is for all attempts together', async () => {
  const slow = { ...unavailable, retryAfterMs: 8000 }
  const model = scripted(fails(slow), fails(slow), answer)
  const { events, waits } = await read(model, setup())
  assert.equal(events, fails(slow))
  assert.equal(waits, [8250])
})

test('a failure that may be billed is retried only under another hold', async () => {
  const asked: ModelFailure[] = []
  const hold = (granted: boolean) => async (failure: ModelFailure) => {
    asked.push(failure)
    return granted
  }
  const granted = scripted(fails(internal), fails(unavailable), answer)
  assert.equal((await read(granted, setup({ mayRetry: hold(true) }))).events, answer)
  assert.equal(asked, [internal, unavailable], 'before each')

  for (const options of [{ mayRetry: hold(false) }, { mayRetry: () => Promise.reject(new Error('bug')) }, {}]) {
    const refused = scripted(fails(internal), answer)
    assert.equal((await read(refused, setup(options))).events, fails(internal))
    assert.is(refused.calls, 1)
  }
})

for (const failure of [unavailable, internal]) {
  test(`an abort ends the wait at once and bills as the attempt before it (${failure.billing})`, async () => {
    const stop = new AbortController()
    const { clock, options } = setup({ mayRetry: async () => true })
    const model = scripted(fails(failure), answer)
    const next = withRetry(model, options).answer(request, stop.signal)[Symbol.asyncIterator]().next()
    await clock.waiting(1)
    stop.abort()
    assert.equal((await next).value, fails({ kind: 'aborted', billing: failure.billing, retryable: false })[0])
    assert.is(clock.pending(), 0)
    assert.is(model.calls, 1)
  })
}

test('leaving while it waits ends the wait', async () => {
  const { clock, options } = setup()
  const model = scripted(fails(unavailable), answer)
  const iterator = withRetry(model, options).answer(request, new AbortController().signal)[Symbol.asyncIterator]()
  const next = iterator.next()
  await clock.waiting(1)
  await iterator.return?.()
  assert.is((await next).value?.type, 'failure')
  assert.is(clock.pending(), 0)
  assert.is(model.calls, 1)
})

test.run()
