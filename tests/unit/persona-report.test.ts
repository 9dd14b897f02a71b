import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createAssistant } from '../../server/chat/assistant.ts'
import { createKnowledge } from '../../server/chat/knowledge.ts'
import { contactSection } from '../../server/chat/persona.ts'
import { withPersona } from '../../server/http/index-page.ts'
import { etagOf, type Page } from '../../server/http/pages.ts'
import { readPersonaFolder } from '../../server/persona-files.ts'
import { personaReport } from '../../server/persona-report.ts'

const now = Date.parse('2026-01-06T09:05:00Z')
const prices = { inputNanoPerMillion: 300_000_000, outputNanoPerMillion: 2_500_000_000 }
const rest = {
  now,
  model: 'm',
  prices,
  currency: 'USD',
  budgetPerDay: 1,
  knowledgeMaxTokens: 2000,
  maxOutputTokens: 800,
}
const read = async (dir: string) => {
  const result = await readPersonaFolder(dir)
  if (!result.ok) throw new Error(result.errors.join('\n'))
  return result
}
// What belongs to the bike shop alone.
const BIKES = /v[ée]lo|\bbik(?:e|ing)|cycl|marin\b|sailor|breizh|mécano|brake|workshop|\bride\b/i

test('the report: what is known with every question, what when it fits, and what each suggestion costs', async () => {
  const { persona } = await read('persona')
  const questions = ['Combien coûte une révision ?']
  const lines = personaReport({ ...rest, persona, questions })
  const text = lines.join('\n')
  assert.match(text, /^Le Mécano \(IA\), for Breizh Vélos$/m)
  assert.match(text, /^ {2}languages {2}fr \(its own\), en, br$/m)
  for (const { file, path } of persona.sections) {
    assert.ok(lines.includes(`  ${file}`), file)
    assert.ok(
      lines.some((line) => line.endsWith(path.join(' › '))),
      path.join(),
    )
  }
  const [, prompt = '', cost = ''] = /^ {5}([\d,]+) tokens, ([\d.]+) USD: .*Forfaits de révision/m.exec(text) ?? []
  const tokens = Number(prompt.replace(',', ''))
  assert.ok(tokens > 1000 && tokens < 4000)
  assert.is(Number(cost), Number(((tokens * 0.3 + 180 * 2.5) / 1e6).toFixed(4)))
  assert.match(text, /pays for about [\d,]+ such questions/)
})

test('a bakery: its folder is clean, and nothing of bikes is in what its assistant is told or shows', async () => {
  const { persona, warnings } = await read('examples/bakery')
  assert.equal(warnings, [])
  const own = JSON.stringify(persona)
  // Two bicycle racks stand before the door.
  assert.equal(own.match(new RegExp(BIKES, 'gi')), ['cycl'])
  const assistant = createAssistant({ ...rest, persona, knowledgeFallback: true, canary: 'mark', secrets: [] })
  const { system } = assistant.request('Can I order a birthday cake?', [], 'en', now)
  assert.match(system, 'You are Crumb (AI)')
  assert.match(system, /<section title="Cakes and pastries › Birthday cakes to order">/)
  assert.not.match(system, BIKES)
  for (const code of ['budget_exhausted', 'internal', 'overloaded'] as const)
    assert.not.match(assistant.sentence(code, 'en', {}), BIKES)
})

test('a bakery: the sections that fit are found', async () => {
  const { persona } = await read('examples/bakery')
  const knowledge = createKnowledge(persona.sections, persona.lang, contactSection(persona))
  const table = [
    ['do you have anything for coeliacs', 'Gluten-free bread'],
    ['how much is a sourdough loaf?', 'Sourdough'],
    ['is there parking?', 'Finding us'],
    ['my son is allergic to nuts', 'Allergens'],
    ['cake without eggs', 'Vegan cakes'],
  ]
  for (const [question = '', title] of table)
    assert.is(knowledge.rank(question)[0]?.section.path.at(-1), title, question)
})

test('a bakery: the page is its own, with its logo, in English also without a script', async () => {
  const { persona, logo } = await read('examples/bakery')
  const identity = Buffer.from(await readFile('client/index.html'))
  const built: Page = { type: 'text/html', cache: 'no-cache', etag: etagOf(identity), bodies: { identity } }
  const pages = await withPersona(new Map([['/', built]]), persona, logo)
  const html = String(pages.get('/')?.bodies.identity)
  assert.match(html, '<html lang="en" data-langs="en">')
  assert.match(html, '<title>Crumb (AI) – Tidemill Bakery</title>')
  assert.match(html, 'The assistant needs JavaScript.')
  assert.match(html, '<h2 id="contact-title">Contact and opening hours</h2>')
  assert.not.match(html, /favicon/)
  assert.is(html.split('"/logo.svg"').length, 3, 'as the icon and in the header')
  assert.is(String(pages.get('/logo.svg')?.bodies.identity), logo)
  assert.not.match(html, BIKES)
})

const check = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', 'server/persona-check.ts', ...args], {
    env: { PATH: process.env.PATH, PERSONA_DIR: 'examples/bakery' },
  }).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    (error: { code: number; stderr: string }) => ({ code: error.code, out: error.stderr }),
  )

test('persona:check says what is wrong with a folder, or what a question of one’s own would cost', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-persona-'))
  try {
    await cp('examples/bakery', dir, { recursive: true })
    await writeFile(join(dir, 'persona.json'), '{ "name": "x", }')
    const [broken, clean] = await Promise.all([check(dir), check('examples/bakery', 'Do you sell rye?')])
    assert.is(broken.code, 1)
    assert.match(broken.out, /has mistakes:\n {2}- persona\.json: line 1, column 16: /)
    assert.is(clean.code, 0)
    assert.match(clean.out, /“Do you sell rye\?”\n.*Rye and other loaves/)
    assert.match(clean.out, /No mistakes, no warnings\.\n$/)
  } finally {
    await rm(dir, { recursive: true })
  }
})

test.run()
