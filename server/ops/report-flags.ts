import { parseArgs } from 'node:util'
import { dayNamed } from '../quota/windows.ts'

/** `day` undefined: the day before this one. */
export type ReportFlags =
  | { kind: 'help' }
  | { kind: 'wrong'; mistakes: readonly string[] }
  | { kind: 'run'; day: string | undefined; out: string | undefined; text: boolean }

export const REPORT_USAGE = `A day's report: visitors, questions, times, money, refusals and failures.

  npm run report -- [--day 2026-11-24] [--out FOLDER] [--text]

  --day DAY     which day, in the time zone of the budget; one of the last forty. Without it: yesterday
  --out FOLDER  where DAY.html and DAY.txt are written. Without it: reports, beside the database
  --text        prints the report for a mail, and writes nothing
  --help        this text

It reads the same environment and .env as the server, and may run beside it. Reports in the folder that are older than
forty days are removed; visitors' words (REPORT_QUESTIONS) leave them when they leave the store.`

const options = {
  day: { type: 'string' },
  out: { type: 'string' },
  text: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Command line arguments -> what to do, or every mistake in them. */
export function readReportFlags(args: string[]): ReportFlags {
  const parsed = parse(args)
  if (typeof parsed === 'string') return { kind: 'wrong', mistakes: [parsed] }
  const { day, out, text, help } = parsed
  if (help) return { kind: 'help' }
  const mistakes = [
    ...(day !== undefined && !isDay(day) ? [`--day: "${day.slice(0, 40)}" is not a day such as 2026-11-24`] : []),
    ...(out === '' ? ['--out: names no folder'] : []),
    ...(out !== undefined && text ? ['--text: writes nothing, so --out has no place beside it'] : []),
  ]
  return mistakes.length > 0 ? { kind: 'wrong', mistakes } : { kind: 'run', day, out, text }
}

const isDay = (text: string): boolean => /^\d{4}-\d\d-\d\d$/.test(text) && dayNamed(text) !== undefined

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
