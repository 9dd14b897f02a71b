import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { contactSection, type PersonaFiles, parsePersona, personaView } from '../../server/chat/persona.ts'
import { parseJson } from '../../server/chat/persona-json.ts'
import { readPersonaFolder } from '../../server/persona-files.ts'

const day = ['09:30-12:30', '14:00-19:00']
const week = {
  monday: [],
  tuesday: day,
  wednesday: day,
  thursday: day,
  friday: day,
  saturday: ['09:30-18:00'],
  sunday: [],
}
const good = {
  name: 'Le Mécano (IA)',
  lang: 'fr',
  greeting: { fr: 'Bonjour marin !', en: 'Ahoy!' },
  placeholder: 'Votre question…',
  suggestions: { fr: ['Vos prix ?'] },
  notice: 'Réponses écrites par une IA.',
  contact: { phone: '02 61 91 29 35', url: 'https://breizh-velos.example/' },
  linkHosts: ['breizh-velos.example'],
  openingHours: { timeZone: 'Europe/Paris', ...week, exceptions: { '12-25': [] } },
}
const knowledge = [{ name: 'prix.md', text: '# Prix\n\n## VTT\nDès 450 €.' }]
const files = (json: unknown, more: Partial<PersonaFiles> = {}): PersonaFiles => ({
  personaJson: typeof json === 'string' ? json : JSON.stringify(json),
  instructions: 'Tu es un marin.',
  knowledge,
  ...more,
})
function accepted(json: unknown, more?: Partial<PersonaFiles>) {
  const result = parsePersona(files(json, more))
  if (!result.ok) throw new Error(result.errors.join('\n'))
  return result
}
function errorsOf(json: unknown, more?: Partial<PersonaFiles>): string[] {
  const result = parsePersona(files(json, more))
  return result.ok ? [] : result.errors
}

test('a good persona is taken without a warning', () => {
  const { persona, warnings } = accepted(good)
  assert.equal(warnings, [])
  assert.equal(persona.openingHours.week[2], [
    { from: 570, to: 750 },
    { from: 840, to: 1140 },
  ])
  assert.equal(
    persona.sections.map(({ path }) => path),
    [['Prix', 'VTT']],
  )
  assert.ok(persona.openingHours.exceptions.has('12-25'))
})

test('a view falls back to the persona’s language field by field', () => {
  const { persona } = accepted(good)
  assert.is(personaView(persona, 'en').greeting, 'Ahoy!')
  assert.is(personaView(persona, 'br').greeting, 'Bonjour marin !')
  assert.is(personaView(persona, 'en').placeholder, 'Votre question…')
  assert.equal(personaView(persona, 'br').suggestions, ['Vos prix ?'])
  assert.equal(personaView(persona, 'fr').linkHosts, ['breizh-velos.example'])
})

test('the hours to show come from the opening hours, unless they are written', () => {
  assert.match(personaView(accepted(good).persona, 'en').contact.hours ?? '', /Tuesday – Friday/)
  const written = { ...good, contact: { ...good.contact, hours: { fr: 'Sur rendez-vous', en: 'By appointment' } } }
  assert.is(personaView(accepted(written).persona, 'en').contact.hours, 'By appointment')
  assert.is(personaView(accepted(written).persona, 'br').contact.hours, 'Sur rendez-vous')
})

test('the contact section tells how to reach the shop and when', () => {
  const { text, path } = contactSection(accepted(good).persona)
  assert.equal(path, ['Contact et horaires'])
  assert.match(text, /02 61 91 29 35/)
  assert.match(text, /mardi – vendredi/)
  assert.not.match(text, /E-mail|undefined/)
})

test('every mistake is told at once, with its file and field', () => {
  const { notice: _, ...rest } = good
  const errors = errorsOf(
    {
      ...rest,
      lang: 'de',
      grreting: 'x',
      placeholder: ' ',
      suggestions: [1],
      contact: { email: 'nobody', url: 'http://shop.example', fax: '1' },
      linkHosts: ['https://shop.example', 'shop.example'],
      openingHours: {
        ...good.openingHours,
        timeZone: 'Europe/Quimper',
        monday: ['9h', '9h-12:00', '18:00-02:00'],
        tuesday: 'x',
      },
    },
    { instructions: ' ' },
  )
  for (const expected of [
    'persona.json: notice: missing',
    'persona.json: lang: "de" is not one of fr, en, br',
    'persona.json: grreting: unknown field',
    'persona.json: placeholder: is empty',
    'persona.json: suggestions[0]: 1 is not a text in double quotes',
    'persona.json: contact.email: "nobody" is not an e-mail address',
    'persona.json: contact.url: "http://shop.example" is not an https:// address',
    'persona.json: contact.fax: unknown field',
    'persona.json: linkHosts[0]: "https://shop.example" is not a host name such as shop.example',
    'persona.json: openingHours.timeZone: "Europe/Quimper" is not a time zone such as Europe/Paris',
    'persona.json: openingHours.monday[0]: "9h" is not HH:MM-HH:MM, such as "09:30-12:30"',
    'persona.json: openingHours.monday[1]: "9h" is not HH:MM',
    'persona.json: openingHours.monday[2]: "18:00-02:00" ends before it begins; past midnight, split it at 24:00 and go on the next day',
    'persona.json: openingHours.tuesday: "x" is not a list in [ ]',
    'instructions.md: is empty',
  ])
    assert.ok(errors.includes(expected), `${expected}\n\n${errors.join('\n')}`)
  assert.is(errors.length, 15, errors.join('\n'))
})

test('overlapping hours, wrong dates and missing days are refused', () => {
  const hours = (change: object) => errorsOf({ ...good, openingHours: { ...good.openingHours, ...change } }).join('\n')
  assert.match(hours({ friday: ['09:00-12:00', '11:00-13:00'] }), /openingHours\.friday: intervals overlap/)
  assert.match(hours({ exceptions: { '2026-02-30': [] } }), /"2026-02-30" is not a date/)
  assert.match(hours({ exceptions: { noel: [] } }), /"noel" is not a date/)
  assert.match(hours({ friday: ['09:00-25:00'] }), /"25:00" is not HH:MM/)
  assert.is(hours({ friday: ['00:00-24:00'] }), '')
  const { sunday: _, ...six } = good.openingHours
  assert.equal(errorsOf({ ...good, openingHours: six }), ['persona.json: openingHours.sunday: missing'])
})

test('an object of languages needs the persona’s own', () => {
  assert.equal(errorsOf({ ...good, greeting: { en: 'Ahoy!' } }), [
    "persona.json: greeting.fr: missing (it is the persona's own language)",
  ])
  assert.equal(errorsOf({ ...good, greeting: { fr: 'x', de: 'y' } }), ['persona.json: greeting.de: unknown field'])
})

test('broken JSON is told with its line and column', () => {
  const told = (text: string) => errorsOf(text)[0]
  assert.is(told('{\n  "name": "x",\n}'), 'persona.json: line 3, column 1: "}" instead of a name in double quotes')
  assert.is(told('{\n  "name": "x"\n  "lang": 1\n}'), 'persona.json: line 3, column 3: "\\"" instead of "," or "}"')
  assert.is(told('{"a": "x\n"}'), 'persona.json: line 1, column 7: a text that is not closed on its line')
  assert.is(told(''), 'persona.json: line 1, column 1: the file ends before a value')
  assert.is(told('{"a": 1} x'), 'persona.json: line 1, column 10: "x" instead of the end')
  assert.is(told('{"a": 1, "a": 2}'), 'persona.json: line 1, column 10: "a" stands twice')
  assert.match(told('['.repeat(100_000)) ?? '', /nested too deep/)
  assert.match(told('null') ?? '', /is not an object/)
})

test('our JSON grammar is the engine’s', () => {
  const engine = (text: string) => {
    try {
      return JSON.stringify(JSON.parse(text))
    } catch {
      return undefined
    }
  }
  const ours = (text: string) => {
    const json = parseJson(text)
    return json.ok ? JSON.stringify(json.value) : undefined
  }
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '1',
    '-0.5e3',
    '01',
    'true',
    'nul',
    ' ',
    '\n',
    '"\\u00e9"',
    '"\\x"',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 10 }), (parts) => {
      const text = parts.join('')
      const twice = parseJson(text)
      if (!twice.ok && twice.fault.why.endsWith('stands twice')) return
      assert.is(ours(text), engine(text), text)
    }),
    { numRuns: 2000 },
  )
  fc.assert(fc.property(fc.json({ maxDepth: 4 }), (text) => assert.is(ours(text), engine(text))))
})

test('a file’s byte order mark and comments in the instructions are left out', () => {
  const { persona } = accepted(`\uFEFF${JSON.stringify(good)}`, {
    instructions: '\uFEFF<!-- note -->\nTu es un marin.',
  })
  assert.is(persona.instructions, 'Tu es un marin.')
})

test('doubtful things are warned about', () => {
  const { warnings } = accepted(
    { ...good, notice: 'Bonjour', contact: { url: 'https://x.example/' } },
    {
      knowledge: [{ name: 'a.md', text: '## A\n1\n## A\n2\n<!-- open' }],
    },
  )
  const text = warnings.join('\n')
  for (const part of ['notice:', 'neither phone nor email', 'linkHosts:', '"A" stands twice', 'comment is not closed'])
    assert.ok(text.includes(part), `${part}\n${text}`)
  assert.match(accepted(good, { knowledge: [] }).warnings.join(), /no section/)
})

test('the persona that ships is whole, in three languages, with French spaces', async () => {
  const result = await readPersonaFolder(fileURLToPath(new URL('../../persona', import.meta.url)))
  if (!result.ok) throw new Error(result.errors.join('\n'))
  assert.equal(result.warnings, [])
  assert.ok(result.persona.sections.length >= 60)
  assert.match(personaView(result.persona, 'fr').greeting, /^Bonjour marin\u202F!/)
  const { fr, en, br } = result.persona.texts
  for (const key of ['greeting', 'placeholder', 'notice'] as const)
    assert.is(new Set([fr[key], en[key], br[key]]).size, 3)
  for (const { text, path, file } of result.persona.sections) {
    assert.not.match(`${path.join(' ')} ${text}`, / [?!;:](?!-)/, file)
    assert.ok(text.length <= 900, `${file}: ${path.join(' › ')}`)
  }
})

async function inFolder(check: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'persona-'))
  try {
    await mkdir(join(dir, 'shop', 'knowledge'), { recursive: true })
    await writeFile(join(dir, 'shop', 'persona.json'), JSON.stringify(good))
    await writeFile(join(dir, 'shop', 'instructions.md'), 'Tu es un marin.')
    await writeFile(join(dir, 'shop', 'knowledge', 'prix.md'), '## VTT\nDès 450 €.')
    await check(join(dir, 'shop'))
  } finally {
    await rm(dir, { recursive: true })
  }
}
const folderErrors = async (dir: string) => {
  const result = await readPersonaFolder(dir)
  return result.ok ? '' : result.errors.join('\n')
}

test('a folder is read: files in order, strangers left out, links inside followed', () =>
  inFolder(async (dir) => {
    await writeFile(join(dir, 'knowledge', 'a.md'), '## A\n1')
    await writeFile(join(dir, 'knowledge', 'note.txt'), 'x')
    await writeFile(join(dir, 'knowledge', '.hidden.md'), 'x')
    await symlink(join(dir, 'knowledge', 'a.md'), join(dir, 'knowledge', 'z.md'))
    const result = await readPersonaFolder(dir)
    if (!result.ok) throw new Error(result.errors.join('\n'))
    assert.equal(
      result.persona.sections.map(({ file }) => file),
      ['a.md', 'prix.md', 'z.md'],
    )
    assert.equal(result.warnings, ['knowledge/note.txt: left out, only *.md files are read'])
  }))

test('links out, directories, big files and wrong bytes are refused, all at once', () =>
  inFolder(async (dir) => {
    const at = (name: string) => join(dir, 'knowledge', name)
    await writeFile(join(dir, '..', 'secret.md'), 'secret')
    await symlink(join(dir, '..', 'secret.md'), at('out.md'))
    await symlink(at('nowhere'), at('dangling.md'))
    await mkdir(at('folder.md'))
    await writeFile(at('big.md'), 'x'.repeat(256 * 1024 + 1))
    await writeFile(at('latin.md'), Buffer.from('## A\nOK\nv\xE9lo', 'latin1'))
    await writeFile(join(dir, 'persona.json'), '{')
    const errors = await folderErrors(dir)
    for (const part of [
      'knowledge/out.md: leads out of the persona folder',
      'knowledge/dangling.md: not found',
      'knowledge/folder.md: is not a file',
      'knowledge/big.md: 262145 bytes',
      'knowledge/latin.md: line 3: is not UTF-8',
      'persona.json: line 1, column 2',
    ])
      assert.ok(errors.includes(part), `${part}\n\n${errors}`)
  }))

test('missing files and a missing folder are told', () =>
  inFolder(async (dir) => {
    await rm(join(dir, 'instructions.md'))
    assert.is(await folderErrors(dir), 'instructions.md: not found')
    assert.match(await folderErrors(join(dir, 'nowhere')), /nowhere": not found/)
  }))

test.run()
