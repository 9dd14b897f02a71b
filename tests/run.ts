import { sep } from 'node:path'
import { parse } from 'uvu/parse'
import { buildPrograms, type Programs } from './helpers/runner-build.ts'
import { killAll, runFile } from './helpers/runner-file.ts'
import { parseOptions, type RunnerOptions, usage } from './helpers/runner-options.ts'
import { lastLine, linesOf, totalsOf } from './helpers/runner-print.ts'
import { type Verdict, verdictOf } from './helpers/runner-verdict.ts'

const options = parseOptions(process.argv.slice(2), process.env.CI)
if ('wrong' in options) {
  console.error(`${options.wrong}\n\n${usage}`)
  finish([], 2)
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      killAll()
      process.exit(130)
    })
  }
  await main(options)
}

async function main(options: RunnerOptions): Promise<void> {
  const files = await testFiles(options)
  if (files.length === 0) {
    console.error(`no *.test.ts under ${options.root} matches ${options.filters.join(' or ') || 'anything'}`)
    return finish([], 1)
  }
  const programs = await buildPrograms(files)
  const verdicts = await runAll(files, programs, options).finally(programs.remove)
  finish(verdicts, totalsOf(verdicts).failed > 0 ? 1 : 0)
}

function finish(verdicts: Verdict[], code: number): void {
  const totals = totalsOf(verdicts)
  // What failed outside of any file must not read as green.
  const failed = verdicts.length === 0 ? 1 : totals.failed
  console.log(lastLine({ ...totals, failed }))
  process.exitCode = code
}

async function testFiles({ root, filters }: RunnerOptions): Promise<string[]> {
  const { suites } = await parse(root, String.raw`\.test\.ts$`)
  const wanted = suites.filter(({ file }) => filters.length === 0 || filters.some((word) => file.includes(word)))
  return wanted.map(({ file }) => file)
}

/** `jobs` files at a time; of those in a browser folder, one, and first, for they take longest. */
async function runAll(files: readonly string[], programs: Programs, options: RunnerOptions): Promise<Verdict[]> {
  const browser = files.filter((file) => file.includes(`${sep}browser${sep}`))
  const others = files.filter((file) => !browser.includes(file))
  const verdicts: Verdict[] = []
  const work = async (queue: string[]): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const verdict = verdictOf(await runFile(file, programs, options), options.strict)
      for (const line of linesOf(verdict)) console.log(line)
      verdicts.push(verdict)
    }
  }
  const first = work(browser).then(() => work(others))
  await Promise.all([first, ...Array.from({ length: options.jobs - 1 }, () => work(others))])
  return verdicts
}
