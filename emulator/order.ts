export const scenarioNames = [
  'ok',
  'thoughts',
  'two-parts',
  'slow-first-chunk',
  'no-headers',
  'stall',
  'early-close',
  'reset',
  'half-event',
  'malformed-json',
  'split-utf8',
  'split-line',
  'usage-only',
  'empty-candidates',
  'safety-start',
  'safety-midway',
  'prohibited',
  'spii',
  'blocklist',
  'recitation',
  'language',
  'prompt-blocked',
  'unknown-finish',
  'max-tokens',
  'max-tokens-empty',
  'error-event',
  'error-raw',
  'invalid-400',
  'key-400',
  'location-400',
  'unauthorized-401',
  'forbidden-403',
  'not-found-404',
  'minute-429',
  'day-429',
  'error-500',
  'html-502',
  'unavailable-503',
  'overrun',
  'usage-missing',
  'usage-absurd',
  'huge-event',
  'long',
  'redirect',
  'quotes-key',
  'canary',
] as const
export type ScenarioName = (typeof scenarioNames)[number]

export const absurdUsages = ['negative', 'nan', 'fractional', 'huge'] as const
export type AbsurdUsage = (typeof absurdUsages)[number]

/** What the next requests get. Everything but the name is optional. */
export type ScenarioOrder = {
  name: ScenarioName
  /** For that many requests, then back to `ok`. */
  times?: number
  /** The answer to stream, in Gemini's lumps. */
  text?: string
  /** The exact texts of the chunks; wins over `text`. */
  chunks?: readonly string[]
  /** Headers go out at once, each chunk waits for `release(1)`. */
  gated?: boolean
  /** A steady pace in place of Gemini's. */
  perChunkMs?: number
  /** slow-first-chunk: how long (3000). */
  delayMs?: number
  /** 429: what RetryInfo says (15); fractions allowed. */
  retryDelaySeconds?: number
  /** The finishReason comes in a last chunk of its own, without text. */
  finishApart?: boolean
  /** usage-absurd: one kind for every chunk, instead of all in turn. */
  usage?: AbsurdUsage
  /** huge-event: size of its text (4 MB); long: number of chunks (3000). */
  size?: number
  /** redirect: where to (a page of the emulator). */
  location?: string
  /** Each `#` in a chunk becomes the moment it is written: µs of the machine's monotonic clock. */
  stamped?: boolean
  /** How dear text is, in UTF-8 bytes per token, 1 at the dearest (4). */
  bytesPerToken?: number
}

const isOneOf = (names: readonly string[]) => (value: unknown) => typeof value === 'string' && names.includes(value)
const isText = (value: unknown) => typeof value === 'string'
const isFlag = (value: unknown) => typeof value === 'boolean'
const isFrom = (least: number) => (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && value >= least
const isCount = (value: unknown) => isFrom(1)(value) && Number.isSafeInteger(value)

const checks: { [K in keyof Required<ScenarioOrder>]: (value: unknown) => boolean } = {
  name: isOneOf(scenarioNames),
  times: isCount,
  text: isText,
  chunks: (value) => Array.isArray(value) && value.every(isText),
  gated: isFlag,
  perChunkMs: isFrom(0),
  delayMs: isFrom(0),
  retryDelaySeconds: isFrom(0),
  finishApart: isFlag,
  usage: isOneOf(absurdUsages),
  size: isCount,
  location: isText,
  stamped: isFlag,
  bytesPerToken: isFrom(1),
}
const known = new Map<string, (value: unknown) => boolean>(Object.entries(checks))

/** Every mistake of an order from outside, in plain words; an empty list for a good one. */
export function orderMistakes(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return ['an order is an object with a name']
  const mistakes = Object.entries(value).flatMap(([field, given]) => {
    const check = known.get(field)
    if (check === undefined) return [`${field}: not a field of an order`]
    return check(given) ? [] : [`${field}: ${JSON.stringify(given)} does not fit`]
  })
  return 'name' in value ? mistakes : ['name: missing', ...mistakes]
}

/** Whether a value from outside is an order; `orderMistakes` says why not. */
export function isOrder(value: unknown): value is ScenarioOrder {
  return orderMistakes(value).length === 0
}

/** `emu-stall` -> `stall`; undefined for any other model name. */
export function scenarioOfModel(model: string): ScenarioName | undefined {
  return scenarioNames.find((name) => model === `emu-${name}`)
}
