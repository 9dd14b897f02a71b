import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createFilter } from '../../server/chat/filter.ts'

const SECRET = 'CANARI-7f3a-mouette'
const KEY = `AIza${'Sy0_-aBcDeFgHiJkLmNoPqRsTuVwXyZ1234'.slice(0, 35)}`

function run(forbidden: readonly string[], chunks: readonly string[]) {
  const filter = createFilter(forbidden)
  const parts = [...chunks.map((chunk) => filter.push(chunk)), filter.flush()]
  return { text: parts.map(({ pass }) => pass).join(''), hit: parts.at(-1)?.hit ?? false }
}

const fold = (raw: string) =>
  [...raw.normalize('NFKD').toLowerCase().normalize('NFKD')].filter((unit) => /[\p{L}\p{N}]/u.test(unit))
const REFERENCE = /&#(?:(\d{1,7})|x([0-9a-f]{1,6}));/gi
/** Letters and digits as the page shows them. */
const shown = (text: string) => fold(text.replace(REFERENCE, (raw) => characterOf(raw)))
const characterOf = (raw: string) => {
  const code = Number(raw.replace('&#', '0').replace(';', ''))
  return code > 0 && code < 0x110000 ? String.fromCodePoint(code) : '\uFFFD'
}

/** The same by brute force: fold everything, then look for the occurrence that ends first, the longest of these. */
function reference(forbidden: readonly string[], text: string) {
  const units: { unit: string; at: number; next: number }[] = []
  let at = 0
  for (const raw of text.match(new RegExp(`${REFERENCE.source}|[^]`, 'giu')) ?? []) {
    const next = at + raw.length
    for (const unit of raw.length > 3 ? shown(raw) : fold(raw)) units.push({ unit, at, next })
    at = next
  }
  const hits = forbidden.map(fold).flatMap((pattern) =>
    units.flatMap((first, i) => {
      const found = pattern.length > 0 && pattern.every((unit, j) => units[i + j]?.unit === unit)
      return found ? [{ start: first.at, end: units[i + pattern.length - 1]?.next ?? 0 }] : []
    }),
  )
  hits.sort((a, b) => a.end - b.end || a.start - b.start)
  const hit = hits[0]
  return hit ? { text: text.slice(0, hit.start), hit: true } : { text, hit: false }
}

function cutAt(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => text.slice(from, places[i]))
}

// Few letters, so that patterns begin, break off and overlap all the time.
const letter = fc.constantFrom(
  'a',
  'b',
  'A',
  'é',
  'e',
  ' ',
  '*',
  '_',
  '\u200B',
  '\n',
  '🚲',
  'ﬁ',
  'ａ',
  '\uD83D',
  '\uDEB2',
  '&#97;',
  '&#x42;',
  '&',
  '#',
  '98',
  ';',
)
const texts = fc.array(letter, { maxLength: 60 }).map((units) => units.join(''))
const patterns = fc.array(
  fc
    .array(fc.constantFrom('a', 'b', 'é', 'f', 'i', '-'), { minLength: 1, maxLength: 6 })
    .map((units) => units.join('')),
  { maxLength: 3 },
)
const cuts = fc.array(fc.nat(200), { maxLength: 12 })

test('any chunking passes the same text and finds the same hit as a search of the whole', () => {
  fc.assert(
    fc.property(texts, patterns, cuts, (text, forbidden, places) => {
      assert.equal(run(forbidden, cutAt(text, places)), reference(forbidden, text))
    }),
    { numRuns: 2000 },
  )
})

test('a pattern that repeats its own beginning is still found', () => {
  const simple = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 8 }).map((units) => units.join(''))
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 40 }),
      simple,
      cuts,
      (text, pattern, places) => {
        assert.equal(run([pattern], cutAt(text, places)), reference([pattern], text))
      },
    ),
    { numRuns: 500 },
  )
  assert.equal(run(['aab'], ['x aaab']), { text: 'x a', hit: true })
})

test('a clean text passes whole, once and in order, whatever its characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), cuts, (text, places) => {
      assert.equal(run([SECRET, KEY], cutAt(text, places)), { text, hit: false })
    }),
  )
})

test('what is held back is a suffix that may begin a forbidden text, and nothing more', () => {
  const filter = createFilter(['mouette rieuse'])
  assert.is(filter.push('Une m').pass, 'Une ')
  assert.is(filter.push('ou').pass, '')
  assert.is(filter.push('lin, mou').pass, 'moulin, ')
  assert.is(filter.push('ette. ').pass, '')
  assert.is(filter.push('Voilà. ').pass, 'mouette. Voilà. ')
  assert.equal(filter.flush(), { pass: '', hit: false })
})

test('whatever is held back may begin a forbidden text or be half of one character', () => {
  fc.assert(
    fc.property(texts, patterns, cuts, (text, forbidden, places) => {
      const filter = createFilter(forbidden)
      let passed = ''
      let hit = false
      for (const chunk of cutAt(text, places)) {
        const result = filter.push(chunk)
        passed += result.pass
        hit ||= result.hit
      }
      if (hit) return
      assert.ok(text.startsWith(passed))
      const held = text.slice(passed.length)
      const letters = shown(
        held.replace(/&(?:#(?:\d{0,7}|x[0-9a-f]{0,6}))?$/i, '').replace(/[\uD800-\uDBFF]$/, ''),
      ).join('')
      // A ligature may end one letter before it begins another.
      const ends = [letters, letters.slice(1)]
      const begins = forbidden.some((pattern) => ends.some((end) => fold(pattern).join('').startsWith(end)))
      assert.ok(letters === '' || letters === 'a' || begins, JSON.stringify({ held, forbidden }))
    }),
    { numRuns: 2000 },
  )
})

test('on a hit nothing of the pattern passes, and nothing after it', () => {
  const filter = createFilter([SECRET])
  assert.equal(filter.push(`Voici : ${SECRET.slice(0, 9)}`), { pass: 'Voici : ', hit: false })
  assert.equal(filter.push(`${SECRET.slice(9)} et la suite`), { pass: '', hit: true })
  assert.equal(filter.push('encore'), { pass: '', hit: true })
  assert.equal(filter.flush(), { pass: '', hit: true })
})

test('disguises are seen through: case, spaces, Markdown, zero width, full width, accents', () => {
  const disguises = [
    SECRET.toLowerCase(),
    [...SECRET].join(' '),
    [...SECRET].join('*'),
    [...SECRET].join('\u200B'),
    [...SECRET].join('\n- '),
    SECRET.replace(/[A-Za-z0-9]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
    SECRET.replace('a', 'á'),
    'CANARI**\\-`7f3a`-[mouette](x)',
    [...SECRET].map((letter) => `&#${letter.charCodeAt(0)};`).join(''),
    [...SECRET].map((letter) => `&#x${letter.charCodeAt(0).toString(16)};`).join(' '),
  ]
  for (const disguise of disguises)
    assert.equal(run([SECRET], [`x: ${disguise} y`]), { text: 'x: ', hit: true }, disguise)
})

test('any Google API key is stopped, in any chunking, also when dressed up', () => {
  for (const shown of [KEY, [...KEY].join('\u200D'), `AI**za**${KEY.slice(4)}`, `xAIAIz${KEY}`]) {
    const whole = run([], [`clé ${shown}`, ' fin'])
    assert.is(whole.hit, true, shown)
    assert.not.match(whole.text, /AIzaSy/)
    assert.equal(run([], [...`clé ${shown} fin`]), whole)
  }
})

test('what only looks like a key passes', () => {
  const short = `${KEY.slice(0, -1)}.`
  const prose = 'With AI zapping through everything we have ever known about bicycles'
  for (const text of [short, prose, prose.toLowerCase(), KEY.toLowerCase(), 'AIza']) {
    assert.equal(run([], [...text]), { text, hit: false }, text)
  }
})

test('of two patterns that end together the longer counts; one that ends first cuts there', () => {
  assert.equal(run(['bcd', 'abcd'], ['x abcd']), { text: 'x ', hit: true })
  assert.equal(run(['bc', 'abcd'], ['x abcd']), { text: 'x a', hit: true })
})

test('a surrogate pair is never split, and half a pair at the end comes out with the flush', () => {
  const filter = createFilter([SECRET])
  assert.is(filter.push('a\uD83D').pass, 'a')
  assert.is(filter.push('\uDEB2b').pass, '🚲b')
  assert.is(filter.push('\uD83D').pass, '')
  assert.is(filter.flush().pass, '\uD83D')
})

test('half a reference holds its own bytes back, no longer than it may become a character', () => {
  const filter = createFilter([SECRET])
  assert.is(filter.push('Vélos &').pass, 'Vélos ')
  assert.is(filter.push(' vent &#').pass, '& vent ')
  assert.is(filter.push('67').pass, '')
  assert.is(filter.push('; et').pass, '&#67; et')
  assert.is(filter.push('&#12345678').pass, '&#12345678')
  assert.is(filter.push('&#x').pass, '')
  assert.equal(filter.flush(), { pass: '&#x', hit: false })
})

test('patterns without a letter or digit never hit', () => {
  assert.equal(run(['', ' ', '---'], ['--- a']), { text: '--- a', hit: false })
})

test('the work per character does not grow with the text nor with the pattern', () => {
  // A quadratic filter would need hours for this; no time is measured.
  const pattern = `${'a'.repeat(2000)}b`
  const text = `${'a'.repeat(1999)} c`.repeat(100)
  assert.equal(
    run(
      [pattern],
      cutAt(
        text,
        [...Array(500).keys()].map((i) => i * 397),
      ),
    ),
    { text, hit: false },
  )
})

test.run()
