import { parseArgs } from 'node:util'
import type { EmulatorOptions } from './emulator.ts'

export type Flags =
  | { kind: 'help' }
  | { kind: 'start'; options: EmulatorOptions }
  | { kind: 'wrong'; mistakes: readonly string[] }

export const USAGE = `Speaks Gemini's HTTP API on this machine, without a key and without a cost.

  npm run emulator -- [--port 9090] [--host 127.0.0.1] [--speed 1] [--knowledge persona/knowledge] [--key KEY]

  --port       0 to 65535; 0 picks a free one (9090)
  --host       a loopback address (127.0.0.1)
  --speed      1 is Gemini's pace, 2 is twice as fast, 0 does not wait at all (1)
  --knowledge  the folder of Markdown files that answers are made from (persona/knowledge)
  --key        the only API key to accept; without it, any key will do
  --help       this text

Another process orders what happens next:
  curl -d '{"name":"stall","times":1}' http://127.0.0.1:9090/emulator/scenario
  curl http://127.0.0.1:9090/emulator/ledger`

const options = {
  port: { type: 'string', default: '9090' },
  host: { type: 'string', default: '127.0.0.1' },
  speed: { type: 'string', default: '1' },
  knowledge: { type: 'string', default: 'persona/knowledge' },
  key: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Command line arguments -> what to start, or every mistake in them. */
export function readFlags(args: string[]): Flags {
  const parsed = parse(args)
  if (typeof parsed === 'string') return { kind: 'wrong', mistakes: [parsed] }
  const { port, host, speed, knowledge, key, help } = parsed
  if (help) return { kind: 'help' }
  const mistakes = [
    ...(/^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? [] : [`--port: "${port}" is not a number from 0 to 65535`]),
    ...(/^\d+(\.\d+)?$/.test(speed) ? [] : [`--speed: "${speed}" is not a number from 0`]),
    ...(key === '' ? ['--key: empty'] : []),
  ]
  if (mistakes.length > 0) return { kind: 'wrong', mistakes }
  const chosen = { host, port: Number(port), speed: Number(speed), knowledgeDir: knowledge }
  return { kind: 'start', options: key === undefined ? chosen : { ...chosen, key } }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
