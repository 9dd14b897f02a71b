// npm run fuzz: every target in its long form, over all cores, and what each of them met.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { MOST_SEED, parseOptions, usage } from './options.ts'
import { planOf, type Slice } from './plan.ts'
import type { Verdict } from './target.ts'
import { targets } from './targets.ts'

const MOST_CASES = 20_000
/** A slice that takes longer hangs; the dearest needs a tenth of it. */
const PATIENCE_MS = 600_000

type Row = { cases: number; ms: number; failures: string[] }

const names = targets.map(({ name }) => name)
const options = parseOptions(process.argv.slice(2), names, availableParallelism(), Date.now() & MOST_SEED)
if ('wrong' in options) {
  console.error(`${options.wrong}\n\n${usage(names)}`)
  process.exitCode = 2
} else {
  const { only, cases, seed, jobs } = options
  console.log(
    `${cases} cases from seed ${seed} in ${jobs} processes\n\n  target                  cases   seconds  failures`,
  )
  const chosen = targets.filter(({ name }) => only.includes(name))
  const slices = planOf(chosen, cases, seed, MOST_CASES)
  const left = new Map(chosen.map(({ name }) => [name, slices.filter((slice) => slice.name === name).length]))
  const rows = new Map(chosen.map(({ name }): [string, Row] => [name, { cases: 0, ms: 0, failures: [] }]))
  await Promise.all(Array.from({ length: jobs }, () => work(slices, rows, left)))
  process.exitCode = summary([...rows.values()])
}

/** One process after the other: the next one takes over where one hung or fell. */
async function work(slices: Slice[], rows: ReadonlyMap<string, Row>, left: Map<string, number>): Promise<void> {
  let child: ChildProcess | undefined
  for (let slice = slices.shift(); slice; slice = slices.shift()) {
    const row = rows.get(slice.name)
    if (!row) continue
    child ??= await start()
    const from = performance.now()
    const verdict = await ask(child, slice)
    row.ms += performance.now() - from
    row.cases += verdict.cases
    if (verdict.failure !== undefined) row.failures.push(`${again(slice)}\n${verdict.failure}`)
    if (verdict.gone) child = undefined
    const rest = (left.get(slice.name) ?? 1) - 1
    left.set(slice.name, rest)
    if (rest === 0) print(slice.name, row)
  }
  child?.disconnect()
}

async function start(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('slice.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
  await once(child, 'message')
  return child
}

async function ask(child: ChildProcess, slice: Slice): Promise<Verdict & { gone?: true }> {
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  try {
    const gone = new AbortController()
    const exit = once(child, 'exit', { signal: gone.signal }).then(
      ([code, signal]): Verdict & { gone: true } => ({
        cases: 0,
        failure: `the process ended with ${code ?? signal}${signal === 'SIGKILL' ? ': it hung, or its memory ran out' : ''}`,
        gone: true,
      }),
      () => ({ cases: 0 }),
    )
    const answered = once(child, 'message', { signal: gone.signal }).then(
      ([verdict]): Verdict => verdict,
      () => ({ cases: 0 }),
    )
    child.send(slice)
    const verdict = await Promise.race([answered, exit])
    gone.abort()
    return verdict
  } finally {
    clearTimeout(timer)
  }
}

function again({ name, cases, seed }: Slice): string {
  return `npm run fuzz -- --only ${name} --cases ${cases} --seed ${seed}`
}

function print(name: string, { cases, ms, failures }: Row): void {
  const counts = `${String(cases).padStart(7)} ${(ms / 1000).toFixed(1).padStart(9)} ${String(failures.length).padStart(9)}`
  console.log(`  ${name.padEnd(21)} ${counts}`)
  for (const failure of failures) console.log(`\n${failure.replace(/^/gm, '    ')}\n`)
}

/** The exit code. */
function summary(rows: readonly Row[]): number {
  const [cases, failures] = [sum(rows, ({ cases }) => cases), sum(rows, ({ failures }) => failures.length)]
  console.log(`\n${cases} cases, ${failures} failures, ${(performance.now() / 1000).toFixed(0)} s`)
  return failures === 0 && cases > 0 ? 0 : 1
}

function sum(rows: readonly Row[], of: (row: Row) => number): number {
  return rows.reduce((all, row) => all + of(row), 0)
}
