import { writeSync } from 'node:fs'

/** What a test file's process tells the runner, one JSON line each, over its file descriptor 3. */
export type RunnerEvent =
  | { type: 'loaded'; tests: string[]; unrun: string[]; skipped: string[]; leftOut: string[]; twice: string[] }
  | { type: 'begin'; test: string }
  | { type: 'end'; test: string; ms: number; error?: string }
  /** A tool is missing: the running test, or else the whole file, counts as skipped. */
  | { type: 'missing'; tool: string; command: string; test?: string }
  /** A tool is being installed: the file's time limit starts anew. */
  | { type: 'installing'; tool: string }
  | { type: 'unhandled'; error: string; test?: string }
  | { type: 'finished'; passed: number; total: number }
  | { type: 'stuck'; when: 'limit' | 'after'; handles: string[]; test?: string }
  | { type: 'bye'; code: number }

export type MissingTool = Extract<RunnerEvent, { type: 'missing' }>

export const EVENTS_FD = 3
const MAX_TEXT = 20_000

/** Writes an event at once, so that it survives a `process.exit` right after. */
export function send(event: RunnerEvent): void {
  const line = JSON.stringify(event, (_, value) => (typeof value === 'string' ? clip(value) : value))
  writeSync(EVENTS_FD, `${line}\n`)
}

export const clip = (text: string, max = MAX_TEXT): string =>
  text.length <= max ? text : `${text.slice(0, max)}\n… ${text.length - max} more characters`

/** One line of the pipe; the sender is our own `send`, so only its framing is checked. */
export function parseEvent(line: string): RunnerEvent | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
