// npm run attacks [-- frames money]: every attack in its long form, or those of some files, and what each of them got.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Row } from './attack.ts'

const dir = await mkdtemp(join(tmpdir(), 'le-mecano-attacks-'))
const file = join(dir, 'report')
try {
  const runner = ['--import', 'tsx', 'tests/run.ts', '--root', 'tests/attacks', '--limit', '900']
  const args = [...runner, ...process.argv.slice(2)]
  const env = { ...process.env, ATTACKS_LONG: 'yes', ATTACKS_REPORT: file }
  const [code] = await once(spawn(process.execPath, args, { env, stdio: 'inherit' }), 'exit')
  print((await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean).map(rowOf))
  process.exitCode = code ?? 1
} finally {
  await rm(dir, { recursive: true })
}

function rowOf(line: string): Row {
  const row: Row = JSON.parse(line)
  return row
}

function print(rows: Row[]): void {
  const megabytes = (bytes: number) => (bytes / (1 << 20)).toFixed(0).padStart(5)
  console.log(
    '\n  # attack                                                                    tries  lost  MB before  after',
  )
  for (const { number, title, tries, lost, before, after } of rows.sort((a, b) => a.number - b.number)) {
    const counts = `${String(tries).padStart(7)} ${String(lost).padStart(5)}`
    console.log(
      `${String(number).padStart(3)} ${title.padEnd(72)} ${counts}      ${megabytes(before)}  ${megabytes(after)}`,
    )
  }
}
