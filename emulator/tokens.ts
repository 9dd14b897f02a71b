const LUMPS = [4, 6, 68, 69, 118, 144, 209]
const LUMP = 300
const encoder = new TextEncoder()

/** A plausible count, not Google's: one token per `bytesPerToken` UTF-8 bytes (at least 1), rounded up. */
export function tokensOf(bytes: number, bytesPerToken: number): number {
  return Math.ceil(bytes / bytesPerToken)
}

/** Tokens of a text; 0 for the empty one, never more than one per UTF-8 byte. */
export function countTokens(text: string, bytesPerToken = 4): number {
  return tokensOf(Buffer.byteLength(text), bytesPerToken)
}

/** The longest beginning of `text` that costs at most `tokens`, never half a character. */
export function cutToTokens(text: string, tokens: number, bytesPerToken: number): string {
  const room = new Uint8Array(Math.max(0, Math.floor(tokens * bytesPerToken)))
  return text.slice(0, encoder.encodeInto(text, room).read)
}

/** Cuts `pieces` where their tokens in all pass `tokens`; pieces left empty go away. */
export function cutPieces(pieces: readonly string[], tokens: number, bytesPerToken: number): string[] {
  const kept: string[] = []
  let bytes = tokens * bytesPerToken
  for (const piece of pieces) {
    const size = Buffer.byteLength(piece)
    const part = size <= bytes ? piece : cutToTokens(piece, bytes, 1)
    if (part !== '') kept.push(part)
    if (size > bytes) break
    bytes -= size
  }
  return kept
}

/** A text in the lumps Gemini sends: 4, 6, 68, 69, 118, 144, 209, then about 300 characters. */
export function lumpsOf(text: string): string[] {
  const lumps: string[] = []
  for (let from = 0; from < text.length; ) {
    let to = from + (LUMPS[lumps.length] ?? LUMP)
    if (isHighSurrogate(text.charCodeAt(to - 1))) to += 1
    lumps.push(text.slice(from, to))
    from = to
  }
  return lumps
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
