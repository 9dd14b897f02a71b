import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { pickLanguage, type Wishes } from '../../client/language.ts'
import br from '../../client/locales/br.ts'
import en from '../../client/locales/en.ts'
import fr from '../../client/locales/fr.ts'
import type { Locale } from '../../client/locales/locale.ts'
import { transcript } from '../../client/transcript.ts'
import { langs } from '../../server/chat/sentences.ts'
import { turn, welcome } from '../browser/messages.ts'

const locales: readonly Locale[] = [fr, en, br]
const wishes = (over: Partial<Wishes>): Wishes => ({ asked: null, browser: [], persona: ['fr'], own: 'fr', ...over })

const table: [string, Partial<Wishes>, string][] = [
  ['the persona’s own', {}, 'fr'],
  ['what the page asks for, whatever the persona has', { asked: 'br', browser: ['en'] }, 'br'],
  ['with a region', { asked: 'en-GB' }, 'en'],
  ['with a region, as some write it', { asked: 'EN_gb' }, 'en'],
  ['nothing that is not there', { asked: 'de' }, 'fr'],
  ['nothing that is not there, then the browser', { asked: 'de', browser: ['en'], persona: ['fr', 'en'] }, 'en'],
  ['an empty wish', { asked: '' }, 'fr'],
  [
    'the browser’s first that the persona has',
    { browser: ['de-DE', 'br', 'en-US', 'fr'], persona: ['fr', 'en'] },
    'en',
  ],
  ['not what the persona has no words in', { browser: ['en'] }, 'fr'],
  ['not what only begins like one', { browser: ['frr', 'eng'], own: 'br', persona: ['fr', 'en', 'br'] }, 'br'],
]
for (const [what, given, lang] of table)
  test(`language: ${what}`, () => assert.is(pickLanguage(wishes(given), langs), lang))

test('every file of locales/ is a language of the server’s, and has every sentence', () => {
  const files = readdirSync(join(import.meta.dirname, '../../client/locales')).filter((name) => name !== 'locale.ts')
  assert.equal(files.sort(), langs.map((lang) => `${lang}.ts`).sort())
  assert.equal(locales.map(({ lang }) => lang).sort(), [...langs].sort())
  for (const locale of locales) {
    assert.equal(Object.keys(locale).sort(), Object.keys(fr).sort(), locale.lang)
    for (const [key, word] of Object.entries(locale)) {
      assert.is(typeof word, typeof Object.entries(fr).find(([name]) => name === key)?.[1], `${locale.lang}.${key}`)
      assert.ok(typeof word !== 'string' || word.trim(), `${locale.lang}.${key} is empty`)
    }
  }
})

test('a sentence with a slot says what is put in, and none is left in French', () => {
  const filled = (locale: Locale) => [
    locale.sendIn('5 s'),
    locale.countdown(65),
    locale.says('A', 'B'),
    locale.answering('A'),
    locale.tooLong(1200, 1000),
  ]
  for (const locale of locales) {
    const [sendIn = '', countdown = '', says = '', answering = '', tooLong = ''] = filled(locale)
    assert.ok(sendIn.includes('5 s') && says.startsWith('A') && says.endsWith('B') && answering.includes('A'))
    assert.match(countdown, /^1\u00a0\p{L}+\u00a005$/u)
    assert.ok(tooLong.includes('1200') && tooLong.includes('1000'))
  }
  const french = new Map(Object.entries(fr))
  for (const locale of [en, br]) {
    const same = Object.entries(locale).filter(([key, word]) => typeof word === 'string' && french.get(key) === word)
    assert.equal(
      same.filter(([key]) => key !== 'conversation'),
      [],
      locale.lang,
    )
  }
})

test('the conversation as a text: who said what, how it ended, and that an AI did', () => {
  const { persona } = welcome()
  const turns = [
    turn('a', 'Vos prix ?', 'Un **VTT** dès 450 €'),
    turn('b', 'Et', 'Du mar', { state: 'interrupted' }),
    { id: 'c', question: 'Encore', answer: '', state: 'failed', error: 'En panne.' } as const,
    { id: 'd', question: 'Là ?', answer: '', state: 'asking' } as const,
  ]
  const chat = { demo: false, turns, draft: '', blockedUntil: 0, gap: false, forgetting: false, persona }
  assert.is(
    transcript(chat, fr, 'Le Mécano', '2026-01-15'),
    [
      'Le Mécano (IA), 2026-01-15',
      'Vous\u00a0: Vos prix ?',
      'Le Mécano\u00a0: Un **VTT** dès 450 €',
      'Vous\u00a0: Et',
      'Le Mécano\u00a0: Du mar',
      '(Réponse interrompue)',
      'Vous\u00a0: Encore',
      '(En panne.)',
      'Vous\u00a0: Là ?',
      `${persona.notice}\n`,
    ].join('\n\n'),
  )
})

test.run()
