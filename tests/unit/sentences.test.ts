import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { errorCodes } from '../../protocol/messages.ts'
import { langs, pickLang, sentence } from '../../server/chat/sentences.ts'

const contact = { phone: '02 61 91 29 35', email: 'bonjour@breizh-velos.example' }
const plain = (text: string) => text.replace(/[\u00A0\u202F]/g, ' ')

test('every code has a short sentence of its own in every language', () => {
  for (const lang of langs) {
    const all = errorCodes.map((code) => sentence(code, lang, { contact }))
    assert.is(new Set(all).size, errorCodes.length, lang)
    for (const text of all) {
      assert.ok(text.length >= 25 && text.length <= 200, text)
      assert.match(text, /\.$/)
      assert.not.match(text, /undefined|NaN|null/)
    }
  }
  for (const code of errorCodes) {
    assert.is(new Set(langs.map((lang) => sentence(code, lang, { contact }))).size, langs.length, code)
  }
})

test('a wait is told in whole units, never too short', () => {
  const wait = (retryAfterMs: number) => plain(sentence('rate_limited', 'fr', { retryAfterMs, contact }))
  assert.match(wait(0), /dans 1 seconde\.$/)
  assert.match(wait(1001), /dans 2 secondes\.$/)
  assert.match(wait(90_000), /dans 90 secondes\.$/)
  assert.match(wait(90_001), /dans 2 minutes\.$/)
  assert.match(wait(3 * 3_600_000 + 1), /dans 4 heures\.$/)
  assert.match(wait(Number.NaN), /dans 1 seconde\.$/)
  assert.match(plain(sentence('rate_limited', 'en', { retryAfterMs: 1000, contact })), /in 1 second\.$/)
  assert.match(plain(sentence('rate_limited', 'fr', { contact })), /dans un instant\.$/)
})

test('another way to the shop is told when there is one', () => {
  const down = (known: object) => sentence('budget_exhausted', 'fr', { contact: known })
  assert.match(down(contact), /02 61 91 29 35 ou par e-mail à bonjour@/)
  assert.match(down({ email: 'a@b.example' }), /joignez-nous par e-mail à a@b\.example\.$/)
  assert.match(down({}), /joignez-nous directement à la boutique\.$/)
})

test('French keeps its narrow spaces', () => {
  for (const code of errorCodes) assert.not.match(sentence(code, 'fr', { contact: {} }), /[ \u00A0][?!;:]/)
})

test('a language is chosen by its BCP 47 prefix', () => {
  const cases: [string | undefined, string][] = [
    ['en', 'en'],
    ['EN-gb', 'en'],
    ['fr_CA', 'fr'],
    [' br-FR ', 'br'],
    ['de', 'fr'],
    ['english', 'fr'],
    ['', 'fr'],
    ['-en', 'fr'],
    [undefined, 'fr'],
    ['__proto__', 'fr'],
    ['x'.repeat(100_000), 'fr'],
  ]
  for (const [wanted, lang] of cases) assert.is(pickLang(wanted, 'fr'), lang)
  assert.is(pickLang('de', 'br'), 'br')
})

test.run()
