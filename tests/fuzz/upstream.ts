import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { silentLog } from '../../server/log.ts'
import { streamedModel } from '../../server/model/attempt.ts'
import { readChunk } from '../../server/model/chunk.ts'
import { failureOf, midStreamFailure } from '../../server/model/failures.ts'
import { explain } from '../../server/model/gemini.ts'
import { type LeanResponse, leanResponse } from '../../server/model/lean-fetch.ts'
import type { ModelEvent } from '../../server/model/port.ts'
import { loadSdk } from '../../server/model/sdk.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { type Target, target } from './target.ts'
import { cuts, edited, made, plain } from './texts.ts'

let answer: () => LeanResponse
const { GoogleGenerativeAI } = loadSdk(() => Promise.resolve(answer()))
const gemini = new GoogleGenerativeAI('key').getGenerativeModel({ model: 'gemini' }, { baseUrl: 'http://localhost' })

const REQUEST = { system: '', turns: [{ role: 'user' as const, text: '?' }], maxOutputTokens: 800 }
const TIMES = { firstChunkTimeoutMs: 1000, chunkTimeoutMs: 1000, answerTimeoutMs: 1000 }

/** All that an answer of these bytes is told as, through Google's SDK; `torn`: the connection breaks after them. */
async function eventsOf(pieces: readonly Uint8Array[], torn: boolean): Promise<ModelEvent[]> {
  async function* sent() {
    yield* pieces
    if (torn) throw new Error('reset')
  }
  const options = { model: 'gemini', ...TIMES, clock: manualClock(), log: silentLog }
  const model = streamedModel(options, {
    async open(_, signal, bounds) {
      const body = Object.assign(Readable.from(sent(), { objectMode: false }), { statusCode: 200, statusMessage: 'OK' })
      answer = () => leanResponse(body, bounds)
      return (await gemini.generateContentStream({ contents: [] }, { signal })).stream
    },
    explain,
  })
  const events: ModelEvent[] = []
  for await (const event of model.answer(REQUEST, new AbortController().signal)) events.push(event)
  assert.equal(
    events.map(({ type }) => type === 'end' || type === 'failure'),
    events.map((_, i) => i === events.length - 1),
    'one end, at the end',
  )
  return events
}

const textOf = (events: readonly ModelEvent[]) =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('')

/** `bytes` in pieces that begin at `places`, none of them empty. */
function piecesOf(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i])).filter(({ length }) => length > 0)
}

type Sent = { parts: { text: string; thought?: true }[]; finish?: string; blank: string; usage: boolean }
const words = fc.oneof(
  made(['Bon', 'jour ', '🚲', 'é', '\n', '\t', '\r', '\r\n\r\n', '\n\n', 'data: ', '"', '\\', '\u2028', '\0'], 6),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const part = fc.record({ text: words, thought: fc.constant(true as const) }, { requiredKeys: ['text'] })
const sent: fc.Arbitrary<Sent> = fc.record({
  parts: fc.array(part, { maxLength: 3 }),
  blank: fc.constantFrom('\r\n\r\n', '\r\n\r\n', '\n\n', '\r\r'),
  usage: fc.boolean(),
})
const finish = fc.constantFrom('STOP', 'MAX_TOKENS', 'SAFETY', 'TIRED', undefined)
const ENDS = new Map([
  ['STOP', 'complete'],
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'filtered'],
])

const eventOf = ({ parts, finish, blank, usage }: Sent) => {
  const usageMetadata = usage && { promptTokenCount: 7, candidatesTokenCount: 3, totalTokenCount: 10 }
  const candidates = [{ content: { parts, role: 'model' }, ...(finish && { finishReason: finish }) }]
  return `data: ${JSON.stringify({ candidates, ...(usageMetadata && { usageMetadata }) })}${blank}`
}

/** Half surrogates and control characters read as U+FFFD. */
const clean = (text: string) =>
  [...text]
    .map((char) => (/^[\p{Surrogate}]$/u.test(char) || (char < ' ' && !'\t\n'.includes(char)) ? '\uFFFD' : char))
    .join('')

/** Events as an event source reads them: the texts in order, and the reason of the last one. */
async function assertRead([stream, end, places]: [Sent[], string | undefined, number[]]): Promise<void> {
  const all = [...stream, { parts: [], blank: '\r\n\r\n', usage: true, ...(end !== undefined && { finish: end }) }]
  const events = await eventsOf(piecesOf(Buffer.from(all.map(eventOf).join('')), places), false)
  const visible = all.flatMap(({ parts }) => parts.filter(({ thought }) => !thought).map(({ text }) => text)).join('')
  assert.is(textOf(events), clean(visible))
  const last = events.at(-1)
  assert.is(last?.type === 'end' && last.reason, ENDS.get(end ?? '') ?? 'interrupted')
}

const HOSTILE = [
  'data: ',
  'data:',
  ': comment\n\n',
  'event: x\n',
  'id: 1\n',
  'retry: 5\n',
  '\n',
  '\r',
  '\n\n',
  '\r\n\r\n',
  '[DONE]',
  'null',
  '{}',
  '[]',
  '"',
  '{',
  '}',
  '{"error":{"code":503}}',
  '{"error":{"code":"x"}}',
  '"candidates":[],',
  '1e999',
  '-1',
  '\uFEFF',
]
const damaged = edited(
  fc.array(sent, { maxLength: 5 }).map((stream) => stream.map(eventOf).join('')),
  HOSTILE,
)

/** Whatever came, cutting it otherwise tells the same. */
async function assertCut([text, places, torn]: [string, number[], boolean]): Promise<void> {
  const bytes = Buffer.from(text)
  const [whole, cut] = [await eventsOf(piecesOf(bytes, []), torn), await eventsOf(piecesOf(bytes, places), torn)]
  assert.is(textOf(cut), textOf(whole))
  assert.equal(cut.at(-1), whole.at(-1))
  assert.ok(textOf(whole).length <= text.length, 'more text than was sent')
}

async function assertBytes([text, at, bytes, places]: [string, number, Uint8Array, number[]]): Promise<void> {
  const whole = Buffer.from(text)
  const from = at % (whole.length + 1)
  const damaged = Buffer.concat([whole.subarray(0, from), bytes, whole.subarray(from)])
  const events = await eventsOf(piecesOf(damaged, places), false)
  assert.ok(textOf(events).length <= damaged.length)
}

const tokens = fc.oneof(fc.nat(2 ** 25), fc.constantFrom(-1, 0.5, '7', null, undefined, 2 ** 53))
const oddPart = fc.oneof(
  part,
  fc.constantFrom({}, { text: 5 }, { text: null }, { inlineData: {} }, { thought: 'x', text: 'y' }),
)
const response = fc.record(
  {
    candidates: fc.array(
      fc.record(
        {
          content: fc.oneof(fc.record({ parts: fc.array(oddPart, { maxLength: 3 }) }), fc.constantFrom(null, {}, 5)),
          finishReason: fc.oneof(finish, fc.constantFrom(null, 5)),
        },
        { requiredKeys: [] },
      ),
      { maxLength: 2 },
    ),
    promptFeedback: fc.constantFrom(null, {}, { blockReason: 'SAFETY' }, { blockReason: 5 }),
    modelVersion: fc.oneof(words, fc.constant('gemini-3')),
    usageMetadata: fc.oneof(
      fc.record({
        promptTokenCount: tokens,
        candidatesTokenCount: tokens,
        thoughtsTokenCount: tokens,
        totalTokenCount: tokens,
      }),
      fc.anything(),
    ),
    error: fc.constantFrom(null, {}, { code: 503 }, { code: 'x' }, 5),
  },
  { requiredKeys: [] },
)

/** Google bills thoughts as output: the total less the prompt, and never less than its parts. Absurd: nothing is known. */
function billed(metadata: unknown): { promptTokens: number; outputTokens: number } | undefined {
  const of = (name: string): unknown => Reflect.get(Object(metadata), name)
  const [prompt, total] = [of('promptTokenCount'), of('totalTokenCount')].map(countOf)
  const parts = [of('candidatesTokenCount'), of('thoughtsTokenCount')].map((part) => countOf(part ?? 0))
  const [answer, thoughts] = parts
  if (prompt === undefined || total === undefined || answer === undefined || thoughts === undefined) return undefined
  return total < prompt
    ? undefined
    : { promptTokens: prompt, outputTokens: Math.max(total - prompt, answer + thoughts) }
}
const countOf = (count: unknown): number | undefined =>
  typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= 2 ** 24 ? count : undefined

function assertChunk(sent: unknown): void {
  const chunk = readChunk(sent)
  if (!chunk) return
  assert.equal(chunk.usage, billed(Reflect.get(Object(sent), 'usageMetadata')))
  for (const count of Object.values(chunk.usage ?? {}))
    assert.ok(Number.isSafeInteger(count) && count >= 0 && count <= 2 ** 25, `${count} tokens`)
  const { text, usage, version, error } = chunk
  const again = readChunk({
    candidates: [{ content: { parts: [{ text }] } }],
    ...(version !== undefined && { modelVersion: version }),
    ...(error !== undefined && { error: { code: error } }),
    ...(usage && {
      usageMetadata: {
        promptTokenCount: usage.promptTokens,
        totalTokenCount: usage.promptTokens + usage.outputTokens,
      },
    }),
  })
  const { finish: _, ...rest } = chunk
  if (!usage || usage.promptTokens + usage.outputTokens <= 2 ** 24) assert.equal(again, rest)
  if (typeof error === 'number') assertFailure(midStreamFailure(error), false)
}

const FREE = [400, 401, 403, 404, 429, 503]
const detail = fc.oneof(
  fc.record(
    {
      '@type': fc.constantFrom('type.googleapis.com/google.rpc.RetryInfo', 'x'),
      retryDelay: fc.oneof(fc.constantFrom('15s', '1.5s', '-1s', '1e9s', '9999999s', 's', '', 5), words),
      reason: fc.constantFrom('API_KEY_INVALID', 'x', 5),
      violations: fc.oneof(fc.constantFrom([{ quotaId: 'PerDay' }], [{}], [null], 'x'), fc.anything()),
    },
    { requiredKeys: [] },
  ),
  fc.anything(),
)
const failure = fc.record({
  status: fc.oneof(fc.constantFrom(...FREE, 200, 302, 500, 504, 0), fc.integer()),
  words,
  details: fc.oneof(fc.array(detail, { maxLength: 3 }), fc.anything()),
  whole: fc.boolean(),
})

function assertFailure(found: ReturnType<typeof failureOf>, free: boolean): void {
  assert.is(found.billing, free ? 'free' : 'unknown')
  assert.match(found.kind, /^[a-z_]+$/)
  const { retryAfterMs = 0 } = found
  assert.ok(Number.isSafeInteger(retryAfterMs) && retryAfterMs >= 0 && retryAfterMs <= 1e9)
  assert.equal(plain(found), found, 'it can be logged')
}

export const upstreamTargets: Target[] = [
  target(
    {
      name: 'sse',
      title: 'Google’s events are read as an event source reads them, wherever the bytes are cut',
      short: 200,
      weight: 0.3,
    },
    fc.tuple(fc.array(sent, { maxLength: 6 }), finish, cuts),
    assertRead,
    [[[{ parts: [{ text: 'a\u2028b\u2029' }], blank: '\r\n\r\n', usage: false }], 'STOP', []]],
  ),
  target(
    {
      name: 'sse-damaged',
      title: 'whatever comes in place of events, cutting it otherwise tells the same',
      short: 200,
      weight: 0.3,
    },
    fc.tuple(damaged, cuts, fc.boolean()),
    assertCut,
  ),
  target(
    {
      name: 'sse-bytes',
      title: 'bytes that are no text end an answer once, and nothing throws',
      short: 100,
      weight: 0.2,
    },
    fc.tuple(damaged, fc.nat(500), fc.uint8Array({ minLength: 1, maxLength: 5 }), cuts),
    assertBytes,
  ),
  target(
    { name: 'chunk', title: 'any JSON from Google is a chunk with sane counts, or none', short: 500 },
    fc.oneof({ weight: 4, arbitrary: response }, { weight: 1, arbitrary: fc.anything() }),
    assertChunk,
  ),
  target(
    {
      name: 'failure',
      title: 'an error of Google’s is free only as a whole answer that is known to be',
      short: 500,
      weight: 0.5,
    },
    failure,
    (error) => assertFailure(failureOf(error), error.whole && FREE.includes(error.status)),
  ),
]
