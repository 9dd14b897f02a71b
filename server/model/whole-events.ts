/** Cuts a text that comes in pieces behind its last whole event. Each character is looked at once. */
export type WholeEvents = {
  /** What has become whole with this piece, '' when nothing has. */
  push(piece: string): string
  /** What never became whole. */
  rest(): string
}

const BLANK_LINES = ['\n\n', '\r\n\r\n', '\r\r']
const LONGEST = 4

export function wholeEvents(): WholeEvents {
  let held = ''
  let tail = ''
  return {
    push(piece) {
      // As nearly all come.
      if (held === '' && BLANK_LINES.some((line) => piece.endsWith(line))) return piece
      // A blank line may have begun in the piece before.
      const seen = tail + piece
      const end = endOfLast(seen) - tail.length
      if (end <= 0) {
        held += piece
        tail = seen.slice(1 - LONGEST)
        return ''
      }
      const whole = held + piece.slice(0, end)
      held = piece.slice(end)
      tail = held.slice(1 - LONGEST)
      return whole
    },
    rest: () => held,
  }
}

function endOfLast(text: string): number {
  return Math.max(
    ...BLANK_LINES.map((line) => {
      const at = text.lastIndexOf(line)
      return at < 0 ? 0 : at + line.length
    }),
  )
}
