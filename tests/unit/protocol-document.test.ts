import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { closes } from '../../protocol/closes.ts'
import { endReasons, errorCodes, sources } from '../../protocol/messages.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = readFileSync(join(root, 'protocol/PROTOCOL.md'), 'utf8')
const sessions = readdirSync(join(root, 'tests/sessions')).filter((name) => name.endsWith('.session'))

type Rule = { id: string; files: string[] }
const rules: Rule[] = [...text.matchAll(/^- \*\*([A-Z]{3}\d+)\*\* (.*)$/gm)].map(([, id = '', rest = '']) => ({
  id,
  files: [...rest.matchAll(/\]\(\.\.\/(tests\/[^)]+)\)/g)].map(([, path = '']) => path),
}))

test('the table of closes is that of closes.ts', () => {
  const wanted = Object.values(closes).map(({ code, reason, reconnect }) => `${code} | ${reason} | ${reconnect}`)
  const table = /<!-- closes: [^>]*-->\s+([\s\S]*?)\s+<!-- \/closes -->/.exec(text)?.[1] ?? ''
  const rows = table.split('\n').slice(2)
  assert.equal(
    rows.map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim())
        .filter(Boolean)
        .join(' | '),
    ),
    wanted,
  )
})

test('every rule has its own id and names what shows it', () => {
  assert.ok(rules.length > 40)
  assert.is(new Set(rules.map(({ id }) => id)).size, rules.length)
  assert.equal(
    rules.filter(({ files }) => files.length === 0).map(({ id }) => id),
    [],
  )
})

test('what a rule names exists and bears its id', () => {
  const wrong = rules.flatMap(({ id, files }) =>
    files.filter((file) => !shows(file, id)).map((file) => `${id}: ${file}`),
  )
  assert.equal(wrong, [])
})

test('every session file belongs to the rule of its first line', () => {
  const lost = sessions.filter((name) => {
    const id = /^# ([A-Z]{3}\d+) /.exec(readFileSync(join(root, 'tests/sessions', name), 'utf8'))?.[1]
    return !rules.find((rule) => rule.id === id)?.files.some((file) => basename(file) === name)
  })
  assert.equal(lost, [])
})

test('every code, reason and source is explained', () => {
  const missing = [...errorCodes, ...endReasons, ...sources].filter((word) => !text.includes(`\`${word}\``))
  assert.equal(missing, [])
})

function shows(file: string, id: string): boolean {
  if (!existsSync(join(root, file))) return false
  const content = readFileSync(join(root, file), 'utf8')
  return file.endsWith('.session') ? content.startsWith(`# ${id} `) : content.includes(`[${id}]`)
}

test.run()
