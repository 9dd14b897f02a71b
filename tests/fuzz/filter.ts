import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { createFilters } from '../../server/chat/filter.ts'
import { type Target, target } from './target.ts'
import { cutAt, cuts, made } from './texts.ts'

const CANARY = 'CANARI-7f3a-mouette'
const KEY = `AIza${'Sy0_-aBcDeFgHiJkLmNoPqRsTuVwXyZ1234'.slice(0, 35)}`

function run(forbidden: readonly string[], chunks: readonly string[]) {
  const filter = createFilters(forbidden)()
  const parts = [...chunks.map((chunk) => filter.push(chunk)), filter.flush()]
  return { text: parts.map(({ pass }) => pass).join(''), hit: parts.at(-1)?.hit ?? false }
}

const SAME = new Map(Object.entries({ а: 'a', В: 'b', Ι: 'l', і: 'l', i: 'l', '1': 'l', '0': 'o', Ε: 'e', '🅱': 'b' }))
const fold = (raw: string) =>
  [
    ...[...raw.normalize('NFKD')]
      .map((unit) => SAME.get(unit) ?? unit)
      .join('')
      .toLowerCase()
      .normalize('NFKD'),
  ]
    .map((unit) => SAME.get(unit) ?? unit)
    .filter((unit) => /[\p{L}\p{N}]/u.test(unit))
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

// Few letters, so that patterns begin, break off and overlap all the time.
const LETTERS = [
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
  'а',
  'В',
  'і',
  '1',
  'Ε',
  '🅱',
]
const text = made([...LETTERS, '&#97;', '&#x42;', '&', '#', '98', ';'], 60)
const pattern = fc
  .array(fc.constantFrom('a', 'b', 'é', 'f', 'i', '-'), { minLength: 1, maxLength: 6 })
  .map((units) => units.join(''))
const patterns = fc.array(pattern, { maxLength: 3 })

/** What is held back may begin a forbidden text, or be half of one character; all else has passed. */
function assertHeld([text, forbidden, places]: [string, string[], number[]]): void {
  const filter = createFilters(forbidden)()
  let passed = ''
  for (const chunk of cutAt(text, places)) {
    const { pass, hit } = filter.push(chunk)
    if (hit) return
    passed += pass
  }
  assert.ok(text.startsWith(passed))
  const held = text.slice(passed.length)
  const whole = held.replace(/&(?:#(?:\d{0,7}|x[0-9a-f]{0,6}))?$/i, '').replace(/[\uD800-\uDBFF]$/, '')
  const letters = shown(whole).join('')
  // A ligature may end one letter before it begins another.
  const ends = [letters, letters.slice(1)]
  const begins = forbidden.some((pattern) => ends.some((end) => fold(pattern).join('').startsWith(end)))
  assert.ok(letters === '' || letters === 'a' || begins, JSON.stringify({ held, forbidden }))
}

// The letters a to z and the digits, as other scripts and styles have them; '.' where one has none.
const STYLES = [
  'аЬсԁеғɡһіјкӏмпорԛгѕтцѵԝхуᴢ',
  'α...Ε..Ηι.κ.Μηορ...τυνωχγΖ',
  'АВС.Е..НІЈК.М.ОР..ЅТ...ХУ.',
  'ΑΒ..Ε..ΗΙ.Κ.ΜΝΟΡ...Τ...ΧΥΖ',
  'ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘ.ʀꜱᴛᴜᴠᴡ.ʏᴢ',
  'ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ',
  'ⓐⓑⓒⓓⓔⓕⓖⓗⓘⓙⓚⓛⓜⓝⓞⓟⓠⓡⓢⓣⓤⓥⓦⓧⓨⓩ',
  '🅐🅑🅒🅓🅔🅕🅖🅗🅘🅙🅚🅛🅜🅝🅞🅟🅠🅡🅢🅣🅤🅥🅦🅧🅨🅩',
  '🅰🅱🅲🅳🅴🅵🅶🅷🅸🅹🅺🅻🅼🅽🅾🅿🆀🆁🆂🆃🆄🆅🆆🆇🆈🆉',
  '🇦🇧🇨🇩🇪🇫🇬🇭🇮🇯🇰🇱🇲🇳🇴🇵🇶🇷🇸🇹🇺🇻🇼🇽🇾🇿',
  '𝐚𝐛𝐜𝐝𝐞𝐟𝐠𝐡𝐢𝐣𝐤𝐥𝐦𝐧𝐨𝐩𝐪𝐫𝐬𝐭𝐮𝐯𝐰𝐱𝐲𝐳',
  '𝔞𝔟𝔠𝔡𝔢𝔣𝔤𝔥𝔦𝔧𝔨𝔩𝔪𝔫𝔬𝔭𝔮𝔯𝔰𝔱𝔲𝔳𝔴𝔵𝔶𝔷',
].map((style) => [...style])
const LETTER_A = 97

/** How `letter` may be written: in a style, as a capital, with an accent, as a reference. */
function dressed(letter: string, way: number): string {
  const code = letter.charCodeAt(0)
  const styled = STYLES[way % STYLES.length]?.[code - LETTER_A]
  const plain = way % 2 === 0 ? letter : letter.toUpperCase()
  const ways = [
    plain,
    `${plain}\u0301`,
    `&#${code};`,
    `&#x${code.toString(16)};`,
    letter === 'o' ? '0' : plain,
    letter === 'l' ? 'Ӏ' : plain,
  ]
  return styled === undefined || styled === '.' ? (ways[way % ways.length] ?? letter) : styled
}

const canary = fc.stringMatching(/^[a-z0-9]{6,12}$/)
const ways = fc.array(fc.nat(100), { minLength: 12, maxLength: 12 })
const between = fc.array(fc.constantFrom('', '', '', ' ', '*', '\u200B', '-', '\n', '\u00AD', '**'), {
  minLength: 12,
  maxLength: 12,
})
type Disguise = [secret: string, ways: number[], between: string[], cuts: number[]]

function assertSeen([secret, ways, between, places]: Disguise): void {
  const shown = [...secret].map((letter, i) => dressed(letter, ways[i] ?? 0) + (between[i] ?? '')).join('')
  assert.equal(run([secret], cutAt(`« ${shown} »`, places)), { text: '« ', hit: true }, shown)
}

export const filterTargets: Target[] = [
  target(
    {
      name: 'filter',
      title: 'any chunking passes the same text and finds the same hit as a search of the whole',
      short: 2000,
    },
    fc.tuple(text, patterns, cuts),
    ([text, forbidden, places]) => assert.equal(run(forbidden, cutAt(text, places)), reference(forbidden, text)),
  ),
  target(
    {
      name: 'filter-repeat',
      title: 'a pattern that repeats its own beginning is still found',
      short: 500,
      weight: 0.5,
    },
    fc.tuple(made(['a', 'b', ' '], 40), made(['a', 'b'], 8), cuts),
    ([text, pattern, places]) => assert.equal(run([pattern], cutAt(text, places)), reference([pattern], text)),
  ),
  target(
    {
      name: 'filter-clean',
      title: 'a clean text passes whole, once and in order, whatever its characters',
      short: 100,
      weight: 0.3,
    },
    fc.tuple(fc.string({ unit: 'binary', maxLength: 200, size: 'max' }), cuts),
    ([text, places]) => assert.equal(run([CANARY, KEY], cutAt(text, places)), { text, hit: false }),
  ),
  target(
    {
      name: 'filter-held',
      title: 'whatever is held back may begin a forbidden text or be half of one character',
      short: 1000,
    },
    fc.tuple(text, patterns, cuts),
    assertHeld,
  ),
  target(
    {
      name: 'filter-disguise',
      title: 'a forbidden text is met in any script and style that reads like it, in any chunking',
      short: 1000,
    },
    fc.tuple(canary, ways, between, cuts),
    assertSeen,
  ),
]
