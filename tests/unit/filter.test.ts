import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createFilters } from '../../server/chat/filter.ts'
import { cutAt } from '../fuzz/texts.ts'

const SECRET = 'CANARI-7f3a-mouette'
const KEY = `AIza${'Sy0_-aBcDeFgHiJkLmNoPqRsTuVwXyZ1234'.slice(0, 35)}`

function run(forbidden: readonly string[], chunks: readonly string[]) {
  const filter = createFilters(forbidden)()
  const parts = [...chunks.map((chunk) => filter.push(chunk)), filter.flush()]
  return { text: parts.map(({ pass }) => pass).join(''), hit: parts.at(-1)?.hit ?? false }
}

test('a pattern that repeats its own beginning is found at its second one', () => {
  assert.equal(run(['aab'], ['x aaab']), { text: 'x a', hit: true })
})

test('what is held back is a suffix that may begin a forbidden text, and nothing more', () => {
  const filter = createFilters(['mouette rieuse'])()
  assert.is(filter.push('Une m').pass, 'Une ')
  assert.is(filter.push('ou').pass, '')
  assert.is(filter.push('lin, mou').pass, 'moulin, ')
  assert.is(filter.push('ette. ').pass, '')
  assert.is(filter.push('Voilà. ').pass, 'mouette. Voilà. ')
  assert.equal(filter.flush(), { pass: '', hit: false })
})

test('on a hit nothing of the pattern passes, and nothing after it', () => {
  const filter = createFilters([SECRET])()
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

test('letters of other scripts that look the same are no disguise, neither of a mark nor of a key', () => {
  const marks = [
    'САΝАRΙ-7f3a-mоuеttе',
    'ϹΑΝΑRӀ 7ғ3а mоuеttе',
    'ᴄᴀɴᴀʀɪ·7ꜰ3ᴀ·ᴍᴏᴜᴇᴛᴛᴇ',
    '🅒🅐🅝🅐🅡🅘 7f3a mouette',
    'CANAR1-7f3a-m0uette',
  ]
  for (const mark of marks) assert.equal(run([SECRET], [`x: ${mark} y`]), { text: 'x: ', hit: true }, mark)
  for (const key of [KEY.replace('AIza', 'АΙzа'), KEY.replaceAll('S', 'Ѕ').replaceAll('o', 'о'), KEY.replace('A', '🅐')])
    assert.equal(run([], [...`: ${key}.`]), { text: ': ', hit: true }, key)
})

test('prose in Cyrillic and Greek passes, and nothing of it waits for long', () => {
  for (const text of [
    'Мы открыты сегодня до семи часов вечера.',
    'Είμαστε ανοιχτά μέχρι τις επτά το βράδυ.',
    'ԱԲԳ ևս.',
  ]) {
    const filter = createFilters([SECRET, 'repère-a1B2c3D4e5F6'])()
    const passed = [...text].map((point) => filter.push(point).pass)
    assert.is(passed.join(''), text)
    assert.ok(passed.filter((pass) => pass === '').length < 12, text)
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
  const filter = createFilters([SECRET])()
  assert.is(filter.push('a\uD83D').pass, 'a')
  assert.is(filter.push('\uDEB2b').pass, '🚲b')
  assert.is(filter.push('\uD83D').pass, '')
  assert.is(filter.flush().pass, '\uD83D')
})

test('half a reference holds its own bytes back, no longer than it may become a character', () => {
  const filter = createFilters([SECRET])()
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
