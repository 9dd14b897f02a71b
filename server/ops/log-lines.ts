/** One line of the log: `at` is epoch ms, `level` pino's number (info 30, warn 40, error 50). */
export type LogLine = { at: number; level: number; event: string; fields: Readonly<Record<string, unknown>> }
/** What is wanted; what is undefined or empty takes all. `since` is epoch ms. */
export type LogFilter = {
  level: number
  events: ReadonlySet<string>
  since: number | undefined
  question: string | undefined
  connection: string | undefined
}

export const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const

/** A line of ours, also behind the name that `pm2 logs` puts before it; undefined: it is none. */
export function parseLine(text: string): LogLine | undefined {
  const start = text.indexOf('{')
  if (start < 0) return undefined
  const { time, level, event, pid: _, ...fields } = objectOf(text.slice(start))
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN
  if (Number.isNaN(at) || typeof level !== 'number' || typeof event !== 'string') return undefined
  return { at, level, event, fields }
}

export function isWanted(line: LogLine, { level, events, since, question, connection }: LogFilter): boolean {
  if (line.level < level || (events.size > 0 && !events.has(line.event))) return false
  if (since !== undefined && line.at < since) return false
  if (question !== undefined && line.fields.id !== question) return false
  return connection === undefined || line.fields.c === connection
}

/** Whether what is no line of ours is shown too, such as the last words of a process: only where nothing is looked for. */
export const wantsStrangers = ({ level, events, since, question, connection }: LogFilter): boolean =>
  level <= levels.debug && events.size === 0 && (since ?? question ?? connection) === undefined

function objectOf(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    return {}
  }
}
