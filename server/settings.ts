/** Reads settings one by one and keeps every mistake, so that a start fails once with the whole list. */
export type Env = Readonly<Record<string, string | undefined>>

export type Settings = {
  readonly errors: readonly string[]
  fail(name: string, what: string): void
  /** The value as an error may show it: shortened, and without secrets. */
  quote(value: string): string
  /** '' counts as missing. */
  text(name: string): string | undefined
  /** A whole number between `min` and `max`. */
  int(name: string, fallback: number, min: number, max: number): number
  /** A decimal number with a point, between `min` and `max`. */
  decimal(name: string, fallback: number, min: number, max: number): number
  oneOf<const T extends string>(name: string, fallback: T, choices: readonly T[]): T
  /** Comma separated, blanks dropped. */
  list(name: string): string[]
}

/** `secrets` are hidden in every error, and so is what looks like a key of Google's: it may stand in a wrong setting. */
export function readSettings(env: Env, secrets: readonly string[] = []): Settings {
  const errors: string[] = []
  const hide = (text: string) =>
    secrets
      .filter((secret) => secret.length >= 8)
      .reduce((rest, secret) => rest.replaceAll(secret, '[hidden]'), text)
      .replace(GOOGLE_KEY, '[hidden]')
  const fail = (name: string, what: string) => void errors.push(`${name}: ${hide(what)}`)
  const quote = (value: string) => `"${shorten(hide(value))}"`
  const text = (name: string) => env[name]?.trim() || undefined
  const number = (name: string, fallback: number, pattern: RegExp, kind: string, min: number, max: number) => {
    const given = text(name)
    if (given === undefined) return fallback
    const value = pattern.test(given) ? Number(given) : Number.NaN
    if (value >= min && value <= max) return value
    fail(name, `${quote(given)} is not ${kind} from ${min} to ${max}`)
    return fallback
  }
  return {
    errors,
    fail,
    quote,
    text,
    int: (name, fallback, min, max) => number(name, fallback, /^\d{1,15}$/, 'a whole number', min, max),
    decimal: (name, fallback, min, max) => number(name, fallback, /^\d{1,9}(\.\d{1,9})?$/, 'a number', min, max),
    oneOf(name, fallback, choices) {
      const given = text(name)
      if (given === undefined) return fallback
      const found = choices.find((choice) => choice === given)
      if (found === undefined) fail(name, `${quote(given)} is none of ${choices.join(', ')}`)
      return found ?? fallback
    },
    list: (name) => (text(name) ?? '').split(',').flatMap((part) => part.trim() || []),
  }
}

const GOOGLE_KEY = /AIza[\w-]{20,}|AQ\.[\w.-]{20,}/g

const shorten = (value: string) => (value.length > 40 ? `${value.slice(0, 40)}…` : value)
