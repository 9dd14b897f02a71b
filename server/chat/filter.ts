import { endsInHalf } from '../half-pair.ts'
import { type Point, referenceReader } from './filter-references.ts'
import { lookAlike } from './look-alikes.ts'

/** `pass`: text that may go out now, possibly ''. `hit`: a forbidden pattern has been met; nothing passes any more. */
export type Filtered = { pass: string; hit: boolean }
export type Filter = {
  push(text: string): Filtered
  /** The end of the text: gives out what was held back. The filter is used up after it. */
  flush(): Filtered
}

/**
 * Streaming filters of the model's text, one for each answer, linear in its length. Only a suffix that may begin a
 * forbidden text or a Google API key is held back; all else passes once, unchanged, in order. Forbidden texts are compared by their letters
 * and digits alone, as they look: case, accents, compatibility forms, letters of other scripts, 0 for O and 1 for l,
 * spaces, zero-width characters and punctuation don't count, and `&#67;` is the C that the page shows. Codes that
 * somebody has to undo first (base64, percent, rot13) are not undone.
 * Texts without a letter or digit are ignored.
 */
export function createFilters(forbidden: readonly string[]): () => Filter {
  const texts = forbidden.map((text) => [...text].flatMap(lettersOf)).filter((units) => units.length > 0)
  const patterns = texts.map((units) => ({ units, fallbacks: fallbacksOf(units) }))
  return () => filterWith([...patterns.map(textMatcher), keyMatcher()])
}

function filterWith(matchers: readonly Matcher[]): Filter {
  const reader = referenceReader()
  let held = '' // read, not yet passed; starts at raw offset `passed`
  let passed = 0
  let unread = '' // half of a surrogate pair
  let hit = false

  /** Every matcher reads the point: of two patterns that end together, the one that began first counts. */
  function meet(point: string, at: number): number | undefined {
    let start = Number.POSITIVE_INFINITY
    for (const matcher of matchers) start = Math.min(start, matcher.read(point, at) ?? start)
    return start < Number.POSITIVE_INFINITY ? start : undefined
  }

  function take(text: string): number | undefined {
    let at = passed + held.length
    held += text
    for (const raw of text) {
      const plain = raw !== '&' && reader.began() === undefined
      const start = plain ? meet(raw, at) : meetAll(reader.read(raw, at))
      if (start !== undefined) return start
      at += raw.length
    }
    return undefined
  }

  function meetAll(points: readonly Point[]): number | undefined {
    for (const { point, at } of points) {
      const start = meet(point, at)
      if (start !== undefined) return start
    }
    return undefined
  }

  function began(): number {
    let first = reader.began() ?? Infinity
    for (const matcher of matchers) first = Math.min(first, matcher.began() ?? Infinity)
    return first
  }

  function release(to: number): string {
    const pass = held.slice(0, to - passed)
    held = held.slice(pass.length)
    passed += pass.length
    return pass
  }

  function push(text: string): Filtered {
    if (hit) return { pass: '', hit }
    const whole = unread + text
    unread = endsInHalf(whole) ? whole.slice(-1) : ''
    const start = take(unread ? whole.slice(0, -1) : whole)
    if (start === undefined) return { pass: release(began()), hit }
    hit = true
    return { pass: release(start), hit }
  }

  function flush(): Filtered {
    const pass = hit ? '' : held + unread
    held = ''
    unread = ''
    return { pass, hit }
  }
  return { push, flush }
}

/** Reads code points with their raw offsets; gives the raw start of a match that ends here. */
type Matcher = {
  read(point: string, at: number): number | undefined
  /** Raw start of the longest beginning of a match at the end of what was read. */
  began(): number | undefined
}

// One code point -> its letters and digits, folded. Point by point, so that no chunking changes the result.
function lettersOf(point: string): readonly string[] {
  const latin = point.length === 1 ? LATIN[point.charCodeAt(0)] : undefined
  return latin ?? fold(point)
}

function fold(point: string): string[] {
  const read = lookAlike(point)
  const units = read === point ? [...point.normalize('NFKD')].map(lookAlike) : [read]
  const folded = units.join('').toLowerCase().normalize('NFKD')
  return [...folded].filter((unit) => LETTER.test(unit)).map((unit) => ONE[unit] ?? unit)
}
const LETTER = /[\p{L}\p{N}]/u
const ONE: Readonly<Record<string, string>> = { i: 'l', '1': 'l', '0': 'o' }
// Nearly all that is ever said here, folded once.
const LATIN = Array.from({ length: 0x250 }, (_, code) => fold(String.fromCharCode(code)))

type Pattern = { units: readonly string[]; fallbacks: readonly number[] }

// Knuth-Morris-Pratt over folded units; a ring remembers where the last `units.length` of them began.
function textMatcher({ units, fallbacks }: Pattern): Matcher {
  const offsets = new Array<number>(units.length).fill(0)
  let count = 0
  let depth = 0
  const startOf = (length: number) => offsets[(count - length) % units.length]
  return {
    read(point, at) {
      for (const unit of lettersOf(point)) {
        while (depth > 0 && units[depth] !== unit) depth = fallbacks[depth - 1] ?? 0
        if (units[depth] === unit) depth++
        offsets[count++ % units.length] = at
        if (depth === units.length) return startOf(depth)
      }
      return undefined
    },
    began: () => (depth > 0 ? startOf(depth) : undefined),
  }
}

function fallbacksOf(units: readonly string[]): number[] {
  const fallbacks = units.map(() => 0)
  let depth = 0
  for (let i = 1; i < units.length; i++) {
    while (depth > 0 && units[i] !== units[depth]) depth = fallbacks[depth - 1] ?? 0
    if (units[i] === units[depth]) depth++
    fallbacks[i] = depth
  }
  return fallbacks
}

const KEY_PREFIX = 'AIza'
const KEY_LENGTH = KEY_PREFIX.length + 35

// Case and spaces count here, or "AI zap…" in prose would be a key; invisible characters and emphasis don't.
function keyMatcher(): Matcher {
  let start = 0
  let depth = 0
  return {
    read(point, at) {
      const ascii = point < '\u0080'
      if (ascii && depth === 0 && point !== KEY_PREFIX[0]) return undefined
      for (const shown of ascii ? point : point.normalize('NFKC')) {
        if (KEY_NOISE.test(shown)) continue
        const unit = ascii ? shown : lookAlike(shown)
        const goes = depth < KEY_PREFIX.length ? unit === KEY_PREFIX[depth] : KEY_UNIT.test(unit)
        depth = goes ? depth + 1 : Number(unit === KEY_PREFIX[0])
        if (depth === 1) start = at
        if (depth === KEY_LENGTH) return start
      }
      return undefined
    },
    began: () => (depth > 0 ? start : undefined),
  }
}
const KEY_UNIT = /[A-Za-z0-9_-]/
const KEY_NOISE = /[*`~\\\p{Cf}\p{M}]/u
