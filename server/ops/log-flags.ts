import { parseArgs } from 'node:util'
import { type LogFilter, levels } from './log-lines.ts'

export type LogFlags =
  | { kind: 'help' }
  | { kind: 'wrong'; mistakes: readonly string[] }
  | { kind: 'run'; filter: LogFilter; files: readonly string[] }

export const LOGS_USAGE = `The server's JSON log for people.

  npm run logs -- [--level warn] [--event NAME] [--since 2h] [--question ID] [--connection C] [FILE …]

  --level warn    debug, info, warn or error, and what is worse
  --event NAME    only such lines: question, connection, model_failed, …; may be repeated
  --since 2h      only what is younger: 90s, 15m, 2h, 3d, or a time such as 2026-01-31T14:00
  --question ID   what happened to one question, the calls of the model included (id=…)
  --connection C  what happened on one connection (c=…)
  --help          this text

Without a file it reads what is piped in, and goes on while more comes:

  pm2 logs le-mecano --raw | npm run logs
  journalctl -u le-mecano -o cat -f | npm run logs -- --level warn`

const options = {
  level: { type: 'string', default: 'debug' },
  event: { type: 'string', multiple: true },
  since: { type: 'string' },
  question: { type: 'string' },
  connection: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Command line arguments -> what to show, or every mistake in them. `now` is epoch ms. */
export function readLogFlags(args: string[], now: number): LogFlags {
  const parsed = parse(args)
  if (typeof parsed === 'string') return { kind: 'wrong', mistakes: [parsed] }
  const { values, positionals } = parsed
  if (values.help) return { kind: 'help' }
  const level = Object.entries(levels).find(([name]) => name === values.level)?.[1]
  const since = values.since === undefined ? undefined : sinceOf(values.since, now)
  const mistakes = [
    ...(level === undefined ? [`--level: "${short(values.level)}" is none of ${Object.keys(levels).join(', ')}`] : []),
    ...(Number.isNaN(since)
      ? [`--since: "${short(values.since ?? '')}" is no time such as 2h or 2026-01-31T14:00`]
      : []),
  ]
  if (mistakes.length > 0 || level === undefined) return { kind: 'wrong', mistakes }
  const { question, connection } = values
  return {
    kind: 'run',
    filter: { level, events: new Set(values.event ?? []), since, question, connection },
    files: positionals,
  }
}

function sinceOf(text: string, now: number): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count !== undefined) return now - Number(count) * (UNIT_MS[unit] ?? 0)
  return /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
}

const short = (text: string): string => text.slice(0, 40)

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: true })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
