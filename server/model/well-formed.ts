import { endsInHalf } from '../half-pair.ts'

/** Makes streamed text well-formed UTF-16 without control characters; call `end` once, after the last `push`. */
export type WellFormed = { push(text: string): string; end(): string }

// NUL and C0 except tab and newline: what the wire refuses.
// biome-ignore lint/suspicious/noControlCharactersInRegex: replacing them is the point
const CONTROLS = /[\u0000-\u0008\u000B-\u001F]/g

/**
 * Controls (other than tab and newline) and lone surrogates become U+FFFD, one for one, so lengths don't change.
 * A high surrogate at a chunk's end waits for its half in the next chunk, or for `end`.
 */
export function wellFormed(): WellFormed {
  let half = ''
  return {
    push(text) {
      const whole = half + text
      half = endsInHalf(whole) ? whole.slice(-1) : ''
      return clean(half ? whole.slice(0, -1) : whole)
    },
    end() {
      const rest = clean(half)
      half = ''
      return rest
    },
  }
}

const clean = (text: string): string => text.replace(CONTROLS, '\uFFFD').toWellFormed()
