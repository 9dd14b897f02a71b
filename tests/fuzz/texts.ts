import * as fc from 'fast-check'

type Edit = { at: number; cut: number; put: string }

/** Texts of `texts` after some edits: a piece is cut out and one of `tokens`, or anything at all, put in its place. */
export function edited(texts: fc.Arbitrary<string>, tokens: readonly string[]): fc.Arbitrary<string> {
  const put = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('', ...tokens) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
  )
  const edit: fc.Arbitrary<Edit> = fc.record({ at: fc.nat(2000), cut: fc.nat(12), put })
  return fc.tuple(texts, fc.array(edit, { maxLength: 4 })).map(([text, edits]) => edits.reduce(apply, text))
}

function apply(text: string, { at, cut, put }: Edit): string {
  const from = at % (text.length + 1)
  return text.slice(0, from) + put + text.slice(from + cut)
}

/** `text` in pieces that begin at `cuts`, whatever these are. */
export function cutAt(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => text.slice(from, places[i]))
}

export const cuts = fc.array(fc.nat(400), { maxLength: 12 })

/** Texts of these pieces, without anything between them. */
export const made = (pieces: readonly string[], maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...pieces), { maxLength }).map((parts) => parts.join(''))

/** What JSON makes of it: no undefined fields, no prototypes. */
export const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
