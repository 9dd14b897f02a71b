import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../server/log.ts'
import { streamedModel } from '../../server/model/attempt.ts'
import { failed } from '../../server/model/failures.ts'
import type { ModelEvent } from '../../server/model/port.ts'
import { type ManualClock, manualClock } from '../helpers/manual-clock.ts'

const request = { system: '', turns: [{ role: 'user', text: 'Bonjour' }], maxOutputTokens: 10 } as const
const times = { model: 'm', firstChunkTimeoutMs: 15_000, chunkTimeoutMs: 10_000, answerTimeoutMs: 60_000 }
const said = (text: string, more = {}) => ({ candidates: [{ content: { parts: [{ text }] }, ...more }] })
const counted = (prompt: number, total: number) => ({
  usageMetadata: { promptTokenCount: prompt, totalTokenCount: total },
})

type Upstream = (signal: AbortSignal) => AsyncIterable<unknown>

/** A model over a made-up SDK; `signals` are those of its calls. */
function setup(upstream: Upstream, options: { maxAnswerBytes?: number; clock?: ManualClock } = {}) {
  const signals: AbortSignal[] = []
  const clock = options.clock ?? manualClock()
  const model = streamedModel(
    { ...times, log: silentLog, ...options, clock },
    {
      async open(_, signal) {
        signals.push(signal)
        return upstream(signal)
      },
      explain: () => failed('network'),
    },
  )
  return { clock, signals, answer: () => model.answer(request, new AbortController().signal) }
}

async function read(answer: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of answer) events.push(event)
  return events
}

const hang = () => new Promise<never>(() => {})

test('after a finishReason the answer stands, though its stream breaks', async () => {
  const { answer } = setup(async function* () {
    yield { ...said('Bonjour', { finishReason: 'STOP' }), ...counted(3, 5) }
    throw new Error('reset')
  })
  const usage = { promptTokens: 3, outputTokens: 2 }
  assert.equal((await read(answer())).at(-1), { type: 'end', reason: 'complete', usage })
})

test('after a finishReason the answer stands, though its stream hangs', async () => {
  const { answer, clock, signals } = setup(async function* () {
    yield said('Bonjour', { finishReason: 'STOP' })
    await hang()
  })
  const events = answer()[Symbol.asyncIterator]()
  assert.equal((await events.next()).value, { type: 'text', text: 'Bonjour' })
  const next = events.next()
  await clock.waiting(2)
  clock.advance(times.chunkTimeoutMs)
  assert.equal((await next).value, { type: 'end', reason: 'complete' })
  await events.return?.()
  assert.ok(signals[0]?.aborted)
})

test('usage that came before the finishReason is not final, usage after it is', async () => {
  const before = setup(async function* () {
    yield { ...said('Bonjour'), ...counted(3, 4) }
    yield said(' marin', { finishReason: 'STOP' })
  })
  assert.equal((await read(before.answer())).at(-1), { type: 'end', reason: 'complete' })
  const after = setup(async function* () {
    yield said('Bonjour', { finishReason: 'STOP' })
    yield counted(3, 5)
  })
  const usage = { promptTokens: 3, outputTokens: 2 }
  assert.equal((await read(after.answer())).at(-1), { type: 'end', reason: 'complete', usage })
})

test('text that cost no output was miscounted: no final usage', async () => {
  const { answer } = setup(async function* () {
    yield { ...said('Bonjour', { finishReason: 'STOP' }), ...counted(3, 3) }
  })
  assert.equal((await read(answer())).at(-1), { type: 'end', reason: 'complete' })
})

test('what is no response ends the answer as malformed and closes the upstream', async () => {
  const { answer, signals } = setup(async function* () {
    yield said('Bonjour')
    yield 'vélo'
    await hang()
  })
  assert.equal((await read(answer())).at(-1), { type: 'failure', failure: failed('malformed') })
  assert.ok(signals[0]?.aborted)
})

test('where the wire is not counted, the text is', async () => {
  const { answer, signals } = setup(
    async function* () {
      for (let i = 0; i < 1000; i += 1) yield said('x'.repeat(100))
    },
    { maxAnswerBytes: 1000 },
  )
  const events = await read(answer())
  assert.is(events.filter(({ type }) => type === 'text').length, 10)
  assert.equal(events.at(-1), { type: 'failure', failure: failed('too_large') })
  assert.ok(signals[0]?.aborted)
})

test('the first chunk has one time limit, headers and all', async () => {
  const clock = manualClock()
  let begin = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const silence = {
    [Symbol.asyncIterator]: () => ({
      next() {
        begin()
        return hang()
      },
    }),
  }
  const { answer } = setup(
    () => {
      clock.advance(5000)
      return silence
    },
    { clock },
  )
  const reading = read(answer())
  await begun
  clock.advance(times.firstChunkTimeoutMs - 5000)
  assert.equal(await reading, [{ type: 'failure', failure: failed('first_chunk_timeout') }])
  assert.is(clock.pending(), 0)
})

test('an answer that nobody reads calls nobody', async () => {
  const { answer, signals } = setup(async function* () {})
  answer()
  await answer()[Symbol.asyncIterator]().return?.()
  assert.is(signals.length, 0)
})

test.run()
