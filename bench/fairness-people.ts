import type { ReserveRequest } from '../server/quota/port.ts'

/** Chance in [0, 1), repeatable: mulberry32, public domain. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One question as the wallet sees it, and what upstream will bill for it. */
export type Priced = Pick<ReserveRequest, 'promptBytes' | 'messages' | 'maxOutputTokens'> & {
  promptTokens: number
  outputTokens: number
}

// The example's persona sends 3,900 to 6,400 bytes with a question; French is 3.7 bytes to a token.
const INSTRUCTION_BYTES = 5100
const BYTES_PER_TOKEN = 3.7
const MAX_OUTPUT_TOKENS = 800
const REMEMBERED = 10
const ANSWER_BYTES = 600

/** A typical question of 80 bytes, after `before` others in the same conversation. */
export function typicalQuestion(before: number): Priced {
  const pairs = Math.min(before, REMEMBERED)
  const promptBytes = INSTRUCTION_BYTES + 80 + pairs * (80 + ANSWER_BYTES)
  return priced(promptBytes, 1 + 2 * pairs + 1, Math.ceil(ANSWER_BYTES / BYTES_PER_TOKEN))
}

/** The dearest first question that a visitor can make: the longest text, and an answer that only the cap ends. */
export const dearestQuestion: Priced = priced(INSTRUCTION_BYTES + 1000, 2, MAX_OUTPUT_TOKENS)

function priced(promptBytes: number, messages: number, outputTokens: number): Priced {
  const promptTokens = Math.ceil(promptBytes / BYTES_PER_TOKEN)
  return { promptBytes, messages, maxOutputTokens: MAX_OUTPUT_TOKENS, promptTokens, outputTokens }
}

/** `since`: when its first question was admitted, epoch ms. `open`: answers that are being generated. */
export type Person = { address: string; since: number | undefined; served: number; spentNano: number; open: number }

export const person = (address: string, since?: number): Person => {
  return { address, since, served: 0, spentNano: 0, open: 0 }
}
