import { parseArgs } from 'node:util'

/** `raiseNano` in nano-currency; `svg` a file's path. */
export type BudgetFlags =
  | { kind: 'help' }
  | { kind: 'wrong'; mistakes: readonly string[] }
  | {
      kind: 'run'
      json: boolean
      svg: string | undefined
      raiseNano: number | undefined
      resume: boolean
      init: boolean
    }

export const BUDGET_USAGE = `What was spent, what is left, and what the day still allows.

  npm run budget -- [--svg FILE] [--json] [--raise 0.50] [--resume] [--init]

  --svg FILE    also draws the day against its cap and the pacing line
  --json        everything as JSON
  --raise 0.50  adds that much to today's cap; the month's budget stays
  --resume      lifts a halt and accepts the machine's clock, after saying why it was halted
  --init        prepares an empty Redis, once
  --help        this text

It reads the same environment and .env as the server, and may run beside it.`

const options = {
  svg: { type: 'string' },
  json: { type: 'boolean', default: false },
  raise: { type: 'string' },
  resume: { type: 'boolean', default: false },
  init: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const NANO = 1_000_000_000
const DEAREST = 100_000

/** Command line arguments -> what to do, or every mistake in them. */
export function readBudgetFlags(args: string[]): BudgetFlags {
  const parsed = parse(args)
  if (typeof parsed === 'string') return { kind: 'wrong', mistakes: [parsed] }
  const { svg, json, raise, resume, init, help } = parsed
  if (help) return { kind: 'help' }
  const raiseNano = raise === undefined ? undefined : nanoOf(raise)
  const mistakes = [
    ...(svg === '' ? ['--svg: names no file'] : []),
    ...(Number.isNaN(raiseNano) ? [`--raise: "${raise?.slice(0, 40)}" is not an amount such as 0.50`] : []),
  ]
  if (mistakes.length > 0) return { kind: 'wrong', mistakes }
  return { kind: 'run', json, svg, raiseNano, resume, init }
}

function nanoOf(text: string): number {
  const value = /^\d{1,6}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
  return value > 0 && value <= DEAREST ? Math.round(value * NANO) : Number.NaN
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
