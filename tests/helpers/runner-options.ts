import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

// One more than there are cores, because a file waits as often as it computes.
const JOBS = String(availableParallelism() + 1)

export type RunnerOptions = {
  filters: string[]
  root: string
  jobs: number
  limitMs: number
  graceMs: number
  trace: boolean
  /** A skipped test is a failure. */
  strict: boolean
}

export const usage = `npm test                     all tests
npm test -- quota page       the files whose path contains one of the words
  --jobs <n>     files at a time (${JOBS}; those in tests/browser always one at a time)
  --limit <s>    seconds that a file may take (120)
  --grace <s>    seconds that a process may take to end after its tests (3)
  --trace        say where each handle was opened that keeps a file from ending
  --root <dir>   where the *.test.ts files are (tests)
With CI=true a skipped test is a failure.`

/** Command line and environment -> options, or the sentence that says what is wrong. */
export function parseOptions(args: string[], ci: string | undefined): RunnerOptions | { wrong: string } {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        root: { type: 'string', default: 'tests' },
        jobs: { type: 'string', default: JOBS },
        limit: { type: 'string', default: '120' },
        grace: { type: 'string', default: '3' },
        trace: { type: 'boolean', default: false },
      },
    })
    const numbers = [values.jobs, values.limit, values.grace].map(Number)
    const [jobs = 0, limit = 0, grace = 0] = numbers
    if (!numbers.every((n) => n > 0) || !Number.isInteger(jobs))
      return { wrong: '--jobs, --limit and --grace take a number' }
    const { root, trace } = values
    const strict = ci !== undefined && ci !== '' && ci !== 'false'
    return { filters: positionals, root, jobs, limitMs: limit * 1000, graceMs: grace * 1000, trace, strict }
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) }
  }
}
