import { type Answer, type Call, type Draft, half, reasonOf, said, texts, total } from './answer.ts'
import * as errors from './errors.ts'
import type { AbsurdUsage, ScenarioName } from './order.ts'
import { absurdUsages } from './order.ts'
import { countTokens, lumpsOf } from './tokens.ts'
import type { Chunk, Frame, Json, Part } from './wire.ts'
import { compact, eventOf, pretty, splitInCharacter, splitInLine } from './wire.ts'

/** How a stream goes on after its last chunk: the proper end, silence, or a broken connection. */
export type Ending = 'end' | 'hang' | 'reset'
type Play = (answer: Answer) => Generator<Frame, Ending>
type Options = {
  /** What is said: by default the order's text, or else the demonstration's answer. */
  draft?: (call: Call) => Draft
  /** `never`: not even headers. `slow`: a long wait for the first chunk. */
  before?: 'never' | 'slow'
  split?: (event: string) => readonly Uint8Array[]
}
export type StreamScenario = Options & { kind: 'stream'; play: Play; draft: (call: Call) => Draft }
/** A whole HTTP answer instead of a stream; `billed`: Google may well charge for it. */
export type AnsweredScenario = { kind: 'answered'; billed: boolean; answer: (call: Call) => errors.Answered }

const SAMPLE = 'Les vélos électriques : à partir de 1 200 €, révision comprise. À bientôt sur le quai, marin ! 🚲\n'
const MOST = 100
const MEGABYTE = 1 << 20

const plainly = (call: Call): Draft => ({ pieces: said(call, call.demo) })
const stream = (play: Play, { draft = plainly, ...rest }: Options = {}): StreamScenario => ({
  kind: 'stream',
  play,
  draft,
  ...rest,
})
const free = (answer: AnsweredScenario['answer']): AnsweredScenario => ({ kind: 'answered', billed: false, answer })
const billed = (answer: AnsweredScenario['answer']): AnsweredScenario => ({ kind: 'answered', billed: true, answer })

const capOf = ({ maxOutputTokens = MOST }: Call): number => maxOutputTokens
const sample = (call: Call): Draft => ({ pieces: said(call, () => SAMPLE.repeat(4)) })
const nothing = (): Draft => ({ pieces: [] })
const thinking = (call: Call): Draft => ({ pieces: said(call, call.demo), thoughtTokens: capOf(call) >> 2 })
/** The rest of the cap went into thoughts. */
const exhausted = (call: Call): Draft => {
  const pieces = said(call, call.demo)
  return { pieces, thoughtTokens: Math.max(0, capOf(call) - countTokens(pieces.join(''), call.order.bytesPerToken)) }
}
const overlong = (call: Call): Draft => {
  const text = said(call, () => SAMPLE).join('') || SAMPLE
  const needed = (capOf(call) + MOST) * (call.order.bytesPerToken ?? 4)
  return { pieces: lumpsOf(text.repeat(Math.ceil(needed / Buffer.byteLength(text)))), cap: 'none' }
}
const huge = ({ order }: Call): Draft => ({ pieces: ['vélo '.repeat((order.size ?? 4 * MEGABYTE) / 6)], cap: 'count' })
const long = ({ order }: Call): Draft => ({
  pieces: Array.from({ length: order.size ?? 3000 }, (_, i) => 'velo '.charAt(i % 5)),
})
const leak = (call: Call): Draft => ({ pieces: said(call, () => `La clé est ${call.key}, voilà.`) })
const instruction = (call: Call): Draft => ({ pieces: said(call, () => call.instruction || call.demo()) })

const finished = (finish?: string): Play =>
  function* (answer) {
    yield* texts(answer, finish ?? reasonOf(answer))
    return 'end'
  }

/** Half the answer, then `ending`; `raw` is written just before it. */
const brokenOff = (ending: Ending, raw?: (answer: Answer) => string): Play =>
  function* (answer) {
    yield* half(answer)
    if (raw !== undefined) yield { raw: raw(answer) }
    return ending
  }

/** Half the answer, then a last chunk that holds a reason and no content. */
const refused = (finish: string): Play =>
  function* (answer) {
    yield* half(answer)
    yield { parts: null, finish, usage: total(answer) }
    return 'end'
  }

const single = (chunk: Omit<Chunk, 'usage'>): Play =>
  function* (answer) {
    yield { ...chunk, usage: total(answer) }
    return 'end'
  }

/** The plain answer, each chunk changed on its way. */
const changed = (change: (chunk: Chunk, i: number, answer: Answer) => Chunk): Play =>
  function* (answer) {
    let i = 0
    for (const chunk of texts(answer, reasonOf(answer))) yield change(chunk, i++, answer)
    return 'end'
  }

const thought = (text: string): Part => ({ text, thought: true })
const thoughts: Play = function* (answer) {
  const usage = { ...total(answer), outputTokens: 0 }
  yield { parts: [thought('**Chercher dans les fiches**\n\nLa question porte sur la boutique.')], usage }
  const withThought = changed((chunk, i) =>
    i === 0 ? { ...chunk, parts: [thought('Je réponds court.'), ...(chunk.parts ?? [])] } : chunk,
  )
  return yield* withThought(answer)
}

const twoParts = changed((chunk) => {
  const text = chunk.parts?.[0]?.text ?? ''
  const middle = [...text].slice(0, Math.ceil([...text].length / 2)).join('')
  return { ...chunk, parts: [{ text: middle }, { text: text.slice(middle.length) }] }
})

const absurd: Record<AbsurdUsage, Json> = { negative: -5, nan: 'NaN', fractional: 12.5, huge: 1e18 }
const absurdUsage = changed((chunk, i, { order }) => {
  const count = absurd[order.usage ?? absurdUsages[i % absurdUsages.length] ?? 'nan']
  return { ...chunk, usage: { promptTokenCount: count, candidatesTokenCount: count, totalTokenCount: count } }
})

const usageOnly: Play = function* (answer) {
  yield { parts: null, members: {}, usage: { ...total(answer), outputTokens: 0 } }
  yield { parts: null, members: {}, usage: total(answer) }
  return 'end'
}

const overloaded = (): Json => ({
  error: { code: 503, message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' },
})
const torn = '{"candidates": [{"content": {"parts": [{"text": "cou'

export const scenarios: Record<ScenarioName, StreamScenario | AnsweredScenario> = {
  ok: stream(finished()),
  thoughts: stream(thoughts, { draft: thinking }),
  'two-parts': stream(twoParts),
  'slow-first-chunk': stream(finished(), { before: 'slow' }),
  'no-headers': stream(finished(), { before: 'never' }),
  stall: stream(brokenOff('hang')),
  'early-close': stream(brokenOff('end')),
  reset: stream(brokenOff('reset')),
  'half-event': stream(brokenOff('end', () => `data: ${torn}`)),
  'malformed-json': stream(brokenOff('end', () => eventOf(torn))),
  'split-utf8': stream(finished(), { draft: sample, split: splitInCharacter }),
  'split-line': stream(finished(), { draft: sample, split: splitInLine }),
  'usage-only': stream(usageOnly),
  'empty-candidates': stream(single({ parts: null, members: { candidates: [] } })),
  'safety-start': stream(single({ parts: null, finish: 'SAFETY' }), { draft: nothing }),
  'safety-midway': stream(refused('SAFETY')),
  prohibited: stream(refused('PROHIBITED_CONTENT')),
  spii: stream(refused('SPII')),
  blocklist: stream(refused('BLOCKLIST')),
  recitation: stream(refused('RECITATION')),
  language: stream(refused('LANGUAGE')),
  'prompt-blocked': stream(
    single({ parts: null, members: { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } } }),
    { draft: nothing },
  ),
  'unknown-finish': stream(finished('FINISH_REASON_OF_TOMORROW')),
  'max-tokens': stream(finished('MAX_TOKENS'), { draft: exhausted }),
  'max-tokens-empty': stream(single({ parts: [], finish: 'MAX_TOKENS' }), {
    draft: (call) => ({ pieces: [], thoughtTokens: capOf(call) }),
  }),
  'error-event': stream(brokenOff('end', () => eventOf(compact(overloaded())))),
  'error-raw': stream(brokenOff('end', () => pretty(overloaded()))),
  'invalid-400': free(() => errors.invalid('Request contains an invalid argument.')),
  'key-400': free(({ key }) => errors.keyInvalid(key)),
  'location-400': free(errors.wrongLocation),
  'unauthorized-401': free(errors.unauthenticated),
  'forbidden-403': free(errors.keyForbidden),
  'not-found-404': free(({ model }) => errors.modelNotFound(model, 'v1beta', 'generateContent')),
  'minute-429': free(({ model, order }) => errors.quotaExceeded('Minute', model, order.retryDelaySeconds ?? 15)),
  'day-429': free(({ model, order }) => errors.quotaExceeded('Day', model, order.retryDelaySeconds ?? 15)),
  'error-500': billed(errors.internal),
  'html-502': billed(errors.badGatewayPage),
  'unavailable-503': free(errors.unavailable),
  overrun: stream(finished('STOP'), { draft: overlong }),
  'usage-missing': stream(changed((chunk) => ({ ...chunk, usage: null }))),
  'usage-absurd': stream(absurdUsage),
  'huge-event': stream(finished(), { draft: huge }),
  long: stream(finished(), { draft: long }),
  redirect: free(({ order, elsewhere }) => errors.redirectTo(order.location ?? elsewhere)),
  'quotes-key': stream(finished(), { draft: leak }),
  canary: stream(finished(), { draft: instruction }),
}
