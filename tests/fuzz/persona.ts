import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { PROTOCOL } from '../../protocol/messages.ts'
import { parseServerMessage } from '../../protocol/parse.ts'
import { openWords, weekWords } from '../../server/chat/hours-words.ts'
import { parseSections } from '../../server/chat/knowledge-sections.ts'
import { type Persona, parsePersona, personaView } from '../../server/chat/persona.ts'
import { parseJson } from '../../server/chat/persona-json.ts'
import { langs } from '../../server/chat/sentences.ts'
import { type Target, target } from './target.ts'
import { edited, fromJson, made, plain } from './texts.ts'

const shipped = ['persona', 'examples/bakery'].map((dir) =>
  readFileSync(new URL(`../../${dir}/persona.json`, import.meta.url), 'utf8'),
)

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
type Change = { at: number; put: Json | undefined }
const odd = fc.constantFrom<Json | undefined>(
  undefined,
  null,
  '',
  ' ',
  'x',
  5,
  [],
  {},
  [[]],
  ['09:30-12:30'],
  ['12:00-09:00'],
  ['00:00-24:00'],
  ['09:00-10:00', '09:30-11:00'],
  { fr: 'Bonjour' },
  { fr: 'Bonjour', en: 'Hello' },
  { de: 'Hallo' },
  { '02-30': [] },
  { '12-25': [], '2026-12-25': ['10:00-12:00'] },
  'Europe/Paris',
  'fr',
  'de',
  'x'.repeat(1001),
  'https://shop.example/',
  'http://shop.example',
  'javascript:alert(1)',
  '\u0000\u001b[31m\u202e',
)
const change: fc.Arbitrary<Change> = fc.record({ at: fc.nat(200), put: odd })
const changed = fc
  .tuple(fc.constantFrom(...shipped), fc.array(change, { maxLength: 3 }))
  .map(([text, changes]) => JSON.stringify(changes.reduce(changeAt, fromJson(text))))

/** One value of the tree, counted from its beginning, is another, or is gone. */
function changeAt(tree: unknown, { at, put }: Change): unknown {
  let left = at
  const walk = (value: unknown): unknown => {
    if (left-- === 0) return put
    if (Array.isArray(value)) return value.map(walk).filter((item) => item !== undefined)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, walk(inner)]))
  }
  return walk(tree) ?? null
}

const TOKENS = ['"', ',', ':', '{', '}', '[', ']', '\\', '\\u00e9', '\n', '\t', 'null', '-', '1e9', '"name":', '\uFEFF']
const personaText = fc.oneof(
  { weight: 3, arbitrary: changed },
  { weight: 1, arbitrary: edited(fc.constantFrom(...shipped), TOKENS) },
)
const instructions = fc.constantFrom(
  'Tu es un marin.',
  '',
  ' <!-- --> ',
  '\uFEFFTu es un marin. <!-- non -->',
  'x'.repeat(12_001),
)

function assertPersona([personaJson, instructions]: [string, string]): void {
  const files = { personaJson, instructions, knowledge: [{ name: 'prix.md', text: '# Prix\nDès 450 €.' }] }
  const parsed = parsePersona(files)
  if (!parsed.ok) {
    assert.ok(parsed.errors.length > 0)
    for (const error of parsed.errors) {
      assert.match(error, /^(persona\.json|instructions\.md): \S[^\p{Cc}]*$/u)
      assert.ok(error.length < 2000, error)
    }
    return
  }
  const { persona } = parsed
  for (const lang of langs) assertWelcome(persona, lang)
  assertTexts(persona, fromJson(personaJson.replace(/^\uFEFF/, '')))
  const again = parsePersona({ ...files, personaJson: written(persona) })
  assert.ok(again.ok, again.ok ? '' : again.errors.join('\n'))
  if (!again.ok) return
  for (const lang of langs) assert.equal(personaView(again.persona, lang), personaView(persona, lang))
  assert.equal(again.persona.openingHours, persona.openingHours)
}

/** Each text is the one of its field in its language, or in the persona's own. */
function assertTexts(persona: Persona, json: unknown): void {
  assert.ok(langs.some((lang) => lang === persona.lang))
  const field = (of: unknown, name: string): unknown =>
    typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined
  for (const lang of langs)
    for (const name of ['greeting', 'placeholder', 'suggestions', 'notice'] as const) {
      const given = field(json, name)
      const localized = typeof given === 'object' && !Array.isArray(given)
      const wanted = localized ? (field(given, lang) ?? field(given, persona.lang)) : given
      assert.equal(persona.texts[lang][name], wanted, `${name} in ${lang}`)
    }
}

/** Every view of it can be said on the wire, and its hours in words. */
function assertWelcome(persona: Persona, lang: (typeof langs)[number]): void {
  const view = personaView(persona, lang)
  const limits = { maxChars: 1, askBurst: 1, asksPerMinute: 1 }
  const welcome = {
    type: 'welcome',
    protocol: PROTOCOL,
    session: '',
    resumed: false,
    lang,
    persona: view,
    limits,
    demo: false,
    turns: [],
  }
  const parsed = parseServerMessage(JSON.stringify(welcome))
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.reason)
  assert.equal(plain(parsed.ok && parsed.message), plain(welcome))
  assert.ok(weekWords(persona.openingHours, lang).length > 0)
  assert.ok(openWords(persona.openingHours, Date.UTC(2026, 11, 24, 12), lang).length > 0)
}

const clock = (minutes: number) =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
const dayOf = (intervals: readonly { from: number; to: number }[] = []) =>
  intervals.map(({ from, to }) => `${clock(from)}-${clock(to)}`)

/** The persona as a webmaster would write it, each text in each language. */
function written({ name, shop, lang, texts, contact, linkHosts, openingHours }: Persona): string {
  const each = <K extends keyof Persona['texts']['fr']>(key: K) =>
    Object.fromEntries(langs.map((one) => [one, texts[one][key]]))
  const [sunday, monday, tuesday, wednesday, thursday, friday, saturday] = openingHours.week.map(dayOf)
  const exceptions = Object.fromEntries([...openingHours.exceptions].map(([date, list]) => [date, dayOf(list)]))
  return JSON.stringify({
    name,
    shop,
    lang,
    greeting: each('greeting'),
    placeholder: each('placeholder'),
    suggestions: each('suggestions'),
    notice: each('notice'),
    contact: { ...contact, hours: each('hours') },
    linkHosts,
    openingHours: {
      timeZone: openingHours.timeZone,
      monday,
      tuesday,
      wednesday,
      thursday,
      friday,
      saturday,
      sunday,
      exceptions,
    },
  })
}

const jsonText = fc.oneof(
  made(
    ['{', '}', '[', ']', ',', ':', '"a"', '"b"', '1', '-0.5e3', '01', 'true', 'nul', ' ', '\n', '"\\u00e9"', '"\\x"'],
    10,
  ),
  fc.json({ maxDepth: 4 }),
  edited(fc.json({ maxDepth: 4 }), TOKENS),
)

/** The engine's grammar, beside names that stand twice and what is nested too deep. */
function assertJson(text: string): void {
  const ours = parseJson(text)
  const engine = fromJson(text)
  if (ours.ok) return assert.equal(ours.value, engine)
  const { line, column, why } = ours.fault
  if (!/stands twice$|nested too deep/.test(why)) assert.is(engine, undefined, `${why}: ${text}`)
  const lines = text.split('\n')
  assert.ok(line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1] ?? '').length + 1)
}

const markdown = made(
  [
    '# ',
    '## ',
    '### ',
    '#### ',
    '\n',
    '\n\n',
    '\r\n',
    '```',
    '~~~',
    'VTT',
    'prix',
    ' ',
    '<!--',
    '-->',
    '<!-- keywords: a, b -->',
    '- ',
  ],
  40,
)

/** Every word of the text stands in exactly one section, headings aside. */
function assertSections(text: string): void {
  const { sections, warnings } = parseSections('prix.md', text)
  for (const { path, text, file } of sections) {
    assert.ok(path.length > 0 && text.trim() === text && text !== '' && file === 'prix.md')
    assert.not.match(text, /\r|<!--[\s\S]*?-->/)
  }
  for (const warning of warnings) assert.match(warning, /^prix\.md: /)
  const told = sections.map(({ text }) => text).join('\n')
  const words = (of: string) => of.match(/VTT|prix/g)?.length ?? 0
  assert.ok(words(told) <= words(text), 'a word stands twice')
  if (!/<!--|#/.test(text)) assert.is(words(told), words(text), 'a word is lost')
}

export const personaTargets: Target[] = [
  target(
    {
      name: 'persona',
      title:
        'a persona is taken whole, in every language, or every mistake is told with its place; written down it is read as itself',
      short: 150,
      weight: 0.15,
    },
    fc.tuple(personaText, instructions),
    assertPersona,
    [['{"\\notice":1}', 'Tu es un marin.']],
  ),
  target({ name: 'persona-json', title: 'our JSON grammar is the engine’s', short: 2000 }, jsonText, assertJson),
  target(
    { name: 'sections', title: 'no word of a knowledge file is lost or said twice', short: 500 },
    markdown,
    assertSections,
  ),
]
