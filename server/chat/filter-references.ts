/** A code point as a reader of the page sees it, and where its raw text began. */
export type Point = { point: string; at: number }
export type Reader = {
  /** Takes a raw code point; gives what is certain by now, in order. */
  read(point: string, at: number): Point[]
  /** Raw start of what may yet become one character. */
  began(): number | undefined
}

const REFERENCE = /^&#(?:[0-9]{1,7}|x[0-9a-f]{1,6});$/i
const BEGINNING = /^&(?:#(?:[0-9]{0,7}|x[0-9a-f]{0,6}))?$/i
const LARGEST = 0x10ffff

/** Reads `&#67;` and `&#x43;` as the C that Markdown makes of them; all else comes as it is. */
export function referenceReader(): Reader {
  let pending: Point[] = []
  const settle = (): Point[] => pending.splice(0)
  return {
    read(point, at) {
      if (pending.length === 0 && point !== '&') return [{ point, at }]
      const raw = pending.map((each) => each.point).join('') + point
      const start = pending[0]?.at ?? at
      if (REFERENCE.test(raw)) {
        pending = []
        return [{ point: characterOf(raw), at: start }]
      }
      if (BEGINNING.test(raw)) {
        pending.push({ point, at })
        return []
      }
      const before = settle()
      if (point !== '&') return [...before, { point, at }]
      pending.push({ point, at })
      return before
    },
    began: () => pending[0]?.at,
  }
}

function characterOf(reference: string): string {
  const code = Number(`0${reference.slice(2, -1)}`)
  return code > 0 && code <= LARGEST ? String.fromCodePoint(code) : '\uFFFD'
}
