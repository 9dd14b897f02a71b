import { type DestinationStream, type Logger, pino } from 'pino'
import { TOKEN_PATTERN } from '../chat/registry.ts'
import type { Log, LogFields } from '../log.ts'

const HIDDEN = '[hidden]'

/** A pino log whose lines can't hold a secret: each line is searched for the given values and for session tokens. */
export function pinoLog(level: string, secrets: readonly string[], out: DestinationStream): Log {
  const hide = hider(secrets)
  const logger = pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event' },
    { write: (line) => out.write(tame(hide(line))) },
  )
  return wrap(logger)
}

/** Replaces secrets by value wherever they stand, also as JSON (in JSON) or a URL writes them. */
export function hider(secrets: readonly string[]): (line: string) => string {
  const forms = secrets.filter((secret) => secret.length >= 8).flatMap(formsOf)
  // The longest first: one secret may be a part of another.
  const needles = [...new Set(forms)].sort((a, b) => b.length - a.length)
  const tokens = new RegExp(TOKEN_PATTERN, 'g')
  return (line) => needles.reduce((text, needle) => text.replaceAll(needle, HIDDEN), line).replace(tokens, HIDDEN)
}

function formsOf(secret: string): string[] {
  const inJson = (text: string) => JSON.stringify(text).slice(1, -1)
  const once = inJson(secret)
  const twice = inJson(once)
  return [secret, once, twice, inJson(twice), encodeURIComponent(secret)]
}

// What steers a terminal or turns the order of reading; C0 and line feeds JSON has escaped already.
const STEERING = /[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu

/** A JSON line may write any character as an escape; those beyond U+FFFF as two. */
const tame = (line: string) =>
  line.replace(STEERING, (found) =>
    found
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )

function wrap(logger: Logger): Log {
  return {
    info: (event: string, fields: LogFields = {}) => logger.info(fields, event),
    warn: (event: string, fields: LogFields = {}) => logger.warn(fields, event),
    error: (event: string, fields: LogFields = {}) => logger.error(fields, event),
    child: (fields) => wrap(logger.child(fields)),
  }
}
