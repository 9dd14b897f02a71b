import { LOGS_USAGE, readLogFlags } from './ops/log-flags.ts'
import { isWanted, parseLine, wantsStrangers } from './ops/log-lines.ts'
import { type LogStyle, logText, tame } from './ops/log-text.ts'

/** `read` gives the lines of a file, or (undefined) of what is piped in: undefined when nothing is. */
export type LogsCommand = {
  args: string[]
  now: number
  style: LogStyle
  read(file: string | undefined): AsyncIterable<string> | undefined
  /** Resolves when there is room for more; false: nobody reads any more. */
  write(text: string): Promise<boolean>
  complain(text: string): void
}

const EX_USAGE = 64
const EX_NOINPUT = 66

/** Shows the wanted lines as they come. Resolves with the exit code: 0; 64 for wrong flags; 66 for a file that can't be read. */
export async function logsCommand({ args, now, style, read, write, complain }: LogsCommand): Promise<number> {
  const flags = readLogFlags(args, now)
  if (flags.kind === 'help') {
    await write(`${LOGS_USAGE}\n`)
    return 0
  }
  if (flags.kind === 'wrong') {
    complain(`${flags.mistakes.join('\n')}\nSee --help.\n`)
    return EX_USAGE
  }
  const { filter } = flags
  const strangers = wantsStrangers(filter)
  const textOf = logText(style)
  const show = (text: string): string | undefined => {
    const line = parseLine(text)
    if (!line) return strangers && text !== '' ? tame(text) : undefined
    return isWanted(line, filter) ? textOf(line) : undefined
  }
  for (const file of flags.files.length > 0 ? flags.files : [undefined]) {
    const lines = read(file)
    if (!lines) {
      complain(`${LOGS_USAGE}\n`)
      return EX_USAGE
    }
    try {
      for await (const line of lines) {
        const text = show(line)
        if (text !== undefined && !(await write(`${text}\n`))) return 0
      }
    } catch (error) {
      complain(`${file ?? 'stdin'}: can't be read (${codeOf(error)})\n`)
      return EX_NOINPUT
    }
  }
  return 0
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
