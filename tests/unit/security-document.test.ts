import { existsSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const rows = readFileSync('docs/security.md', 'utf8')
  .split('\n## ')
  .filter((part) => part.startsWith('OWASP'))
  .flatMap((part) => part.split('\n').filter((line) => line.startsWith('| ')))
  .filter((line) => !line.endsWith('| proved by |'))

type Proof = { file: string; titles: string[] }

/** The last cell: `[name](../tests/file) \`title\`, \`title\``, and more of these after a semicolon; undefined when it is none. */
function proofsIn(row: string): Proof[] | undefined {
  const cell = row.slice(row.lastIndexOf(' | ') + 3).replace(/ \|$/, '')
  const proofs = cell.split('; [').map((text, i) => {
    const [, file = '', titles = ''] = /^\[\S+\]\(\.\.\/(\S+)\) (`.+`)$/.exec(i === 0 ? text : `[${text}`) ?? []
    return { file, titles: titles.slice(1, -1).split('`, `') }
  })
  return proofs.every(({ file }) => file !== '') ? proofs : undefined
}

/** Whether the file has a test of that title, which may lack the rule or kind at its front, and what follows a colon or comma. */
function isThere(file: string, title: string): boolean {
  const source = readFileSync(file, 'utf8')
  if (file.endsWith('.session')) return new RegExp(`^# [A-Z]+\\d+ ${escaped(title)}$`, 'm').test(source)
  const quoted = escaped(title).replaceAll("'", "\\\\?'")
  const before = '(?:[^\\n]*(?:\\] |\\}: |\\} ))?'
  const call = '\\b(?:test|it|attack|attackAlone)\\(\\s*(?:\\d+,\\s*)?'
  return new RegExp(`${call}(['"\`])${before}${quoted}(?:(?:: | \\(|, |; ).*)?\\1`).test(source)
}
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

test('each row of security.md names the test that proves it, by file and title', () => {
  assert.ok(rows.length > 50, String(rows.length))
  assert.equal(
    rows.filter((row) => proofsIn(row) === undefined),
    [],
  )
})

test('each test that security.md names is there', () => {
  const proofs = rows.flatMap((row) => proofsIn(row) ?? [])
  const missing = proofs.flatMap(({ file, titles }) =>
    titles.filter((title) => !existsSync(file) || !isThere(file, title)).map((title) => `${file}: ${title}`),
  )
  assert.equal(missing, [])
})

test('a title that is nobody’s is not found, nor is half of one', () => {
  const file = 'tests/contract/http.test.ts'
  assert.ok(isThere(file, '/readyz is 503 while the server drains'))
  for (const title of ['/readyz is 503', 'while the server drains', 'no such test'])
    assert.not(isThere(file, title), title)
})

test.run()
