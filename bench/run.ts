import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { capacity } from './cases/capacity.ts'
import type { Bench, Case, Section } from './cases/case.ts'
import { longAnswers, memory, upgrades } from './cases/connections.ts'
import { restart, slowReader, start } from './cases/people.ts'
import { quota } from './cases/quota.ts'
import { cpuPerToken, firstToken } from './cases/streams.ts'
import { workers } from './cases/workers.ts'
import { startUpstream } from './house.ts'
import { machine } from './machine.ts'
import { keepResults, printSection } from './report.ts'

const CASES: Readonly<Record<string, Case>> = {
  'first-token': firstToken,
  cpu: cpuPerToken,
  capacity,
  memory,
  upgrades,
  'long-answers': longAnswers,
  'slow-reader': slowReader,
  restart,
  quota,
  workers,
  start,
}

const USAGE = `npm run bench -- [${Object.keys(CASES).join('] [')}]

  --short        small windows and one round: whether it runs, not what it measures
  --rounds N     how often everybody has a turn (3)
  --only NAMES   contestants, comma separated
  --keep         write the results of these cases to bench/results/ (the default when all are run)`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const unknown = positionals.filter((name) => CASES[name] === undefined)
if (values.help || unknown.length > 0) {
  console.log(unknown.length > 0 ? `No such case: ${unknown.join(', ')}\n\n${USAGE}` : USAGE)
  process.exit(unknown.length > 0 ? 64 : 0)
}
if (process.platform !== 'linux') throw new Error('CPU time and memory are read from /proc: Linux only')
if (!existsSync('dist/server/main.js')) throw new Error('the server is measured as built: npm run build first')
if (!existsSync('bench/node_modules/ai')) {
  console.log('Installing what the benches compare with: npm ci --prefix bench')
  execFileSync('npm', ['ci', '--prefix', 'bench', '--no-audit', '--no-fund'], { stdio: 'inherit' })
}

const names = positionals.length > 0 ? positionals : Object.keys(CASES)
console.log(`${machine()}\n`)
const upstream = await startUpstream()
const bench: Bench = {
  upstream,
  short: values.short,
  rounds: values.short ? 1 : Number(values.rounds ?? 3),
  only: values.only === '' ? [] : values.only.split(','),
  progress: (words) => process.stderr.write(`  ${words}\n`),
}
const found: Record<string, Section[]> = {}
try {
  for (const name of names) {
    const sections = (await CASES[name]?.(bench)) ?? []
    found[name] = sections
    sections.forEach(printSection)
  }
} finally {
  await upstream.end()
}
if (values.keep || (positionals.length === 0 && !values.short && bench.only.length === 0)) keepResults(found)
