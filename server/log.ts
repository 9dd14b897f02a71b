/** What may be logged: sizes, times, codes and ids; never contents, addresses or secrets. */
export type LogFields = Record<string, string | number | boolean | undefined>

/** One JSON line per call; `event` is a short fixed name such as `question` or `upstream_failed`. */
export type Log = {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** A log whose lines all carry `fields`. */
  child(fields: LogFields): Log
}

export const silentLog: Log = { info() {}, warn() {}, error() {}, child: () => silentLog }
