import { isIP } from 'node:net'
import { parseTrustedProxies, type TrustedProxies } from './quota/address.ts'
import { type Prices, pricesOf } from './quota/prices.ts'
import { isTimeZone } from './quota/windows.ts'
import { type Env, readSettings, type Settings } from './settings.ts'

export type Listen = { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }
export type Thinking = 'lowest' | 'low' | 'medium' | 'high'
export type GeminiConfig = {
  /** undefined: demonstration mode. */
  apiKey: string | undefined
  model: string
  baseUrl: string
  apiVersion: string
  thinking: Thinking
}
/** Times in ms, money in the currency of the prices, rates per minute. */
export type Config = {
  listen: Listen
  gemini: GeminiConfig
  maxOutputTokens: number
  maxMessageChars: number
  maxFrameBytes: number
  knowledgeMaxTokens: number
  firstChunkTimeoutMs: number
  chunkTimeoutMs: number
  answerTimeoutMs: number
  detachedGraceMs: number
  drainMs: number
  allowedOrigins: readonly string[]
  trustedProxies: TrustedProxies
  storeUrl: string
  connectionAsks: { burst: number; perMinute: number }
  addressAsks: { burst: number; perMinute: number }
  addressUpgrades: { burst: number; perMinute: number }
  maxConnections: number
  maxConnectionsPerAddress: number
  maxStreams: number
  maxStreamsPerAddress: number
  budget: {
    perDay: number
    perMonth: number
    timeZone: string
    sharePerAddress: number
    pacing: boolean
    /** Days of that length in place of real ones, for measurements. */
    daySeconds?: number
  }
  prices: Prices
  proofOfWork: 'auto' | 'always' | 'off'
  knowledgeFallback: boolean
  sessionTtlMs: number
  personaDir: string
  metricsToken: string | undefined
  adminToken: string | undefined
  /** Whether questions that the knowledge files don't answer are kept for the report. */
  reportQuestions: boolean
  logLevel: 'debug' | 'info' | 'warn' | 'error'
}
export type ParsedConfig = { ok: true; config: Config } | { ok: false; errors: readonly string[] }

const DEFAULT_MODEL = 'gemini-3.5-flash-lite'
const GOOGLE = 'https://generativelanguage.googleapis.com'
const MINUTES_PER_YEAR = 365 * 24 * 60

/** Settings -> Config, or every mistake at once. `keyFile` is what GEMINI_API_KEY_FILE held, if it was named. */
export function parseConfig(env: Env, keyFile?: string): ParsedConfig {
  const secrets = [env.GEMINI_API_KEY, keyFile, env.METRICS_TOKEN, env.ADMIN_TOKEN].flatMap(
    (secret) => secret?.trim() || [],
  )
  const s = readSettings(env, secrets)
  const gemini = readGemini(s, keyFile)
  const maxMessageChars = s.int('MAX_MESSAGE_CHARS', 1000, 1, 10_000)
  const config: Config = {
    listen: readListen(s),
    gemini,
    maxOutputTokens: s.int('MAX_OUTPUT_TOKENS', 800, 16, 65_536),
    maxMessageChars,
    maxFrameBytes: Math.min(maxMessageChars * 6 + 1024, 16_384),
    knowledgeMaxTokens: s.int('KNOWLEDGE_MAX_TOKENS', 2000, 0, 100_000),
    firstChunkTimeoutMs: s.int('FIRST_CHUNK_TIMEOUT_MS', 15_000, 100, 600_000),
    chunkTimeoutMs: s.int('CHUNK_TIMEOUT_MS', 10_000, 100, 600_000),
    answerTimeoutMs: s.int('ANSWER_TIMEOUT_MS', 60_000, 100, 3_600_000),
    detachedGraceMs: s.int('DETACHED_GRACE_MS', 30_000, 0, 3_600_000),
    drainMs: s.int('DRAIN_MS', 25_000, 0, 3_600_000),
    allowedOrigins: readOrigins(s),
    trustedProxies: readProxies(s),
    storeUrl: readStore(s, gemini, isOneOfMany(env)),
    connectionAsks: readBucket(s, 'CONNECTION_ASK', 4, 10),
    addressAsks: readBucket(s, 'IP_ASK', 10, 20),
    addressUpgrades: readBucket(s, 'IP_UPGRADE', 30, 60),
    maxConnections: s.int('MAX_CONNECTIONS', 5000, 1, 1_000_000),
    maxConnectionsPerAddress: s.int('MAX_CONNECTIONS_PER_IP', 10, 1, 1_000_000),
    maxStreams: s.int('MAX_STREAMS', 200, 1, 100_000),
    maxStreamsPerAddress: s.int('MAX_STREAMS_PER_IP', 4, 1, 100_000),
    budget: readBudget(s, gemini),
    prices: readPrices(s, gemini.model),
    proofOfWork: s.oneOf('PROOF_OF_WORK', 'auto', ['auto', 'always', 'off']),
    knowledgeFallback: s.oneOf('KNOWLEDGE_FALLBACK', 'on', ['on', 'off']) === 'on',
    sessionTtlMs: s.decimal('SESSION_TTL_HOURS', 24, 0.01, 24 * 365) * 3_600_000,
    personaDir: s.text('PERSONA_DIR') ?? 'persona',
    metricsToken: readToken(s, 'METRICS_TOKEN'),
    adminToken: readToken(s, 'ADMIN_TOKEN'),
    reportQuestions: s.oneOf('REPORT_QUESTIONS', 'off', ['off', 'on']) === 'on',
    logLevel: s.oneOf('LOG_LEVEL', 'info', ['debug', 'info', 'warn', 'error']),
  }
  if (config.answerTimeoutMs < config.firstChunkTimeoutMs)
    s.fail('ANSWER_TIMEOUT_MS', 'is shorter than FIRST_CHUNK_TIMEOUT_MS')
  if (config.reportQuestions && config.adminToken === undefined)
    s.fail('REPORT_QUESTIONS', 'needs ADMIN_TOKEN, which the questions are sealed under')
  return s.errors.length === 0 ? { ok: true, config } : { ok: false, errors: s.errors }
}

function readListen(s: Settings): Listen {
  const path = s.text('SOCKET_PATH')
  const host = s.text('HOST') ?? '127.0.0.1'
  const port = s.int('PORT', 8080, 0, 65_535)
  if (!isIP(host) && !/^[A-Za-z0-9.-]+$/.test(host)) s.fail('HOST', `${s.quote(host)} is not an address or a host name`)
  if (path === undefined) return { kind: 'tcp', host, port }
  if (s.text('PORT') !== undefined) s.fail('SOCKET_PATH', 'is set beside PORT; keep one')
  if (Buffer.byteLength(path) > 100) s.fail('SOCKET_PATH', 'is longer than the 100 bytes that a socket may have')
  return { kind: 'unix', path }
}

const MODEL = /^[a-z0-9][a-z0-9.-]{0,99}$/

function readGemini(s: Settings, keyFile: string | undefined): GeminiConfig {
  const inline = s.text('GEMINI_API_KEY')
  if (inline !== undefined && s.text('GEMINI_API_KEY_FILE') !== undefined)
    s.fail('GEMINI_API_KEY', 'is set beside GEMINI_API_KEY_FILE; keep one')
  const apiKey = inline ?? keyFile?.trim()
  if (keyFile !== undefined && keyFile.trim() === '') s.fail('GEMINI_API_KEY_FILE', 'is an empty file')
  // Never quote the key, not even a wrong one.
  if (apiKey && !/^[\x21-\x7e]{8,512}$/.test(apiKey))
    s.fail(inline ? 'GEMINI_API_KEY' : 'GEMINI_API_KEY_FILE', 'holds characters that no key has, or is too short')
  const model = s.text('GEMINI_MODEL') ?? DEFAULT_MODEL
  if (!MODEL.test(model)) s.fail('GEMINI_MODEL', `${s.quote(model)} is not a model name`)
  const apiVersion = s.oneOf('GEMINI_API_VERSION', 'v1beta', ['v1beta', 'v1', 'v1alpha'])
  const thinking = s.oneOf('GEMINI_THINKING', 'lowest', ['lowest', 'low', 'medium', 'high'])
  return { apiKey, model, baseUrl: readBaseUrl(s, apiKey), apiVersion, thinking }
}

function readBaseUrl(s: Settings, apiKey: string | undefined): string {
  const given = s.text('GEMINI_BASE_URL')
  if (given === undefined) return GOOGLE
  const url = parseUrl(given)
  const plain = url?.protocol === 'http:' && isLoopback(url.hostname)
  if (!url || (url.protocol !== 'https:' && !plain) || url.username || url.password || url.search || url.hash) {
    s.fail('GEMINI_BASE_URL', 'must be an https:// address (http:// on loopback only), without user, query or fragment')
    return GOOGLE
  }
  if (apiKey === undefined && !plain) s.fail('GEMINI_BASE_URL', 'is set without GEMINI_API_KEY')
  return given.replace(/\/+$/, '')
}

// Narrower than what a URL's host may hold: these also stand in a header, where * and ; would mean something.
const ORIGIN = /^https?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d+)?$/

function readOrigins(s: Settings): string[] {
  return s.list('ALLOWED_ORIGINS').flatMap((given) => {
    const origin = given.toLowerCase()
    if (ORIGIN.test(origin) && parseUrl(origin)?.origin === origin) return origin
    s.fail('ALLOWED_ORIGINS', `${s.quote(given)} is not an origin such as https://shop.example`)
    return []
  })
}

function readProxies(s: Settings): TrustedProxies {
  const parsed = parseTrustedProxies(s.list('TRUSTED_PROXIES'))
  if (parsed.ok) return parsed.trusted
  for (const error of parsed.errors) s.fail('TRUSTED_PROXIES', error)
  return { unix: false, ranges: [] }
}

function readBucket(s: Settings, name: string, burst: number, perMinute: number): { burst: number; perMinute: number } {
  const bucket = {
    burst: s.int(`${name}_BURST`, burst, 1, 100_000),
    perMinute: s.decimal(`${name}S_PER_MINUTE`, perMinute, 0.01, 1_000_000),
  }
  if (bucket.burst > bucket.perMinute * MINUTES_PER_YEAR)
    s.fail(`${name}_BURST`, `takes more than a year to refill at ${name}S_PER_MINUTE`)
  return bucket
}

function readStore(s: Settings, gemini: GeminiConfig, oneOfMany: boolean): string {
  const url = s.text('STORE_URL') ?? 'sqlite:data/le-mecano.db'
  if (!/^(memory:$|sqlite:.+|(rediss?|redis\+sentinel):\/\/.+)/.test(url))
    s.fail('STORE_URL', 'must be sqlite:PATH, redis://HOST:PORT or memory:')
  if (url === 'memory:' && gemini.apiKey !== undefined && !upstreamIsLocal(gemini))
    s.fail('STORE_URL', 'memory: forgets what was spent at every restart, so it is refused with a real key')
  if (url === 'memory:' && oneOfMany)
    s.fail(
      'STORE_URL',
      'memory: is of one process alone, and PM2 runs several here: use sqlite:PATH or redis://HOST:PORT',
    )
  return url
}

/** PM2 tells how many it was told to start; `pm2 scale` adds some with a number of their own, from 1 on. */
const isOneOfMany = (env: Env): boolean => Number(env.instances) > 1 || Number(env.NODE_APP_INSTANCE) > 0

function readBudget(s: Settings, gemini: GeminiConfig): Config['budget'] {
  const timeZone = s.text('BUDGET_TIME_ZONE') ?? 'Europe/Paris'
  if (!isTimeZone(timeZone)) s.fail('BUDGET_TIME_ZONE', `${s.quote(timeZone)} is not a time zone such as Europe/Paris`)
  const perDay = s.decimal('BUDGET_PER_DAY', 1, 0.0001, 100_000)
  const perMonth = s.decimal('BUDGET_PER_MONTH', 20, 0.0001, 1_000_000)
  if (perDay > perMonth) s.fail('BUDGET_PER_DAY', 'is more than BUDGET_PER_MONTH')
  return {
    perDay,
    perMonth,
    timeZone,
    sharePerAddress: s.decimal('BUDGET_SHARE_PER_ADDRESS', 0.05, 0.0001, 1),
    pacing: s.oneOf('BUDGET_PACING', 'on', ['on', 'off']) === 'on',
    ...readShortDays(s, gemini),
  }
}

function readShortDays(s: Settings, gemini: GeminiConfig): { daySeconds?: number } {
  if (s.text('BUDGET_DAY_SECONDS') === undefined) return {}
  if (!upstreamIsLocal(gemini)) s.fail('BUDGET_DAY_SECONDS', 'is for measurements: refused with a real key')
  return { daySeconds: s.int('BUDGET_DAY_SECONDS', 60, 1, 86_400) }
}

function readPrices(s: Settings, given: string): Prices {
  // A name that is none has been listed already.
  const model = MODEL.test(given) ? given : DEFAULT_MODEL
  const price = (name: string) => (s.text(name) === undefined ? undefined : s.decimal(name, 1, 0.0001, 1000))
  const priced = pricesOf(model, { input: price('PRICE_INPUT_PER_MILLION'), output: price('PRICE_OUTPUT_PER_MILLION') })
  if (priced.ok) return priced.prices
  s.fail('GEMINI_MODEL', priced.reason)
  return { inputNanoPerMillion: 0, outputNanoPerMillion: 0 }
}

function readToken(s: Settings, name: string): string | undefined {
  const token = s.text(name)
  if (token !== undefined && !/^[\x21-\x7e]{16,512}$/.test(token))
    s.fail(name, 'must be 16 or more printable characters')
  return token
}

/** Whether questions stay on this machine: demonstration mode or an emulator on loopback. */
export function upstreamIsLocal(gemini: GeminiConfig): boolean {
  return gemini.apiKey === undefined || isLoopback(parseUrl(gemini.baseUrl)?.hostname ?? '')
}

const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}
