import type { ScenarioOrder } from './order.ts'
import { countTokens, cutPieces, lumpsOf, tokensOf } from './tokens.ts'
import type { Chunk, Usage } from './wire.ts'

/** One request as a scenario sees it. */
export type Call = {
  order: ScenarioOrder
  model: string
  key: string
  instruction: string
  promptTokens: number
  maxOutputTokens: number | undefined
  /** The demonstration's own answer, made only when it is wanted. */
  demo: () => string
  /** Where `redirect` leads when the order does not say. */
  elsewhere: string
}

/** What a scenario wants said. `cap`: what maxOutputTokens cuts; the count alone leaves the text whole. */
export type Draft = { pieces: readonly string[]; thoughtTokens?: number; cap?: 'text' | 'count' | 'none' }

/** What the model says, cut where the cap is reached, and counted whole: an abort changes nothing in it. */
export type Answer = {
  pieces: readonly string[]
  cut: boolean
  promptTokens: number
  outputTokens: number
  thoughtTokens: number
  order: ScenarioOrder
}

const bytesPerToken = (order: ScenarioOrder): number => order.bytesPerToken ?? 4

/** The texts ordered, or else `otherwise` in Gemini's lumps. */
export function said({ order }: Call, otherwise: () => string): readonly string[] {
  return order.chunks ?? lumpsOf(order.text ?? otherwise())
}

/** Tokens of texts, each rounded up by itself. */
export function countAll(texts: readonly string[], order: ScenarioOrder): number {
  return texts.reduce((sum, text) => sum + countTokens(text, bytesPerToken(order)), 0)
}

/** A draft as the model would send it. Thoughts count in maxOutputTokens, as with Google. */
export function answerOf(draft: Draft, { order, promptTokens, maxOutputTokens }: Call): Answer {
  const { thoughtTokens = 0, cap = 'text' } = draft
  const rate = bytesPerToken(order)
  const room =
    maxOutputTokens === undefined || cap === 'none' ? Number.POSITIVE_INFINITY : maxOutputTokens - thoughtTokens
  const whole = draft.pieces.filter((piece) => piece !== '')
  const cut = cap === 'text' && countTokens(whole.join(''), rate) > room
  const pieces = cut ? cutPieces(whole, room, rate) : whole
  const outputTokens = Math.min(room, countTokens(pieces.join(''), rate))
  return { pieces, cut, promptTokens, outputTokens, thoughtTokens, order }
}

/** Usage at the end of the answer, whatever part of it was sent. */
export function total({ promptTokens, outputTokens, thoughtTokens }: Answer): Usage {
  return { promptTokens, outputTokens, thoughtTokens }
}

/** STOP, or MAX_TOKENS for an answer that was cut. */
export const reasonOf = ({ cut }: Answer): string => (cut ? 'MAX_TOKENS' : 'STOP')

/** A chunk per piece, with cumulative usage; `finish` comes on the last, or apart when so ordered. */
export function* texts(answer: Answer, finish: string): Generator<Chunk> {
  const apart = answer.order.finishApart === true || answer.pieces.length === 0
  const last = answer.pieces.length - 1
  let i = 0
  for (const chunk of plain(answer)) {
    yield i === last && !apart ? { ...chunk, finish, usage: total(answer) } : chunk
    i += 1
  }
  if (apart) yield { parts: [{ text: '' }], finish, usage: total(answer) }
}

/** The first half of the chunks, one at least, without an end: what comes before a failure. */
export function* half(answer: Answer): Generator<Chunk> {
  const pieces = answer.pieces.slice(0, Math.max(1, Math.floor(answer.pieces.length / 2)))
  yield* plain({ ...answer, pieces })
}

function* plain({ pieces, promptTokens, thoughtTokens, order }: Answer): Generator<Chunk> {
  let bytes = 0
  for (const text of pieces) {
    bytes += Buffer.byteLength(text)
    const outputTokens = tokensOf(bytes, bytesPerToken(order))
    yield { parts: [{ text }], usage: { promptTokens, outputTokens, thoughtTokens } }
  }
}
