import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { type Config, parseConfig } from '../../server/config.ts'
import { type Target, target } from './target.ts'
import { edited } from './texts.ts'

const NAMES = new Set(
  [...readFileSync(new URL('../../.env.example', import.meta.url), 'utf8').matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map(
    ([, name = '']) => name,
  ),
)

/** Values that a setting takes alone, and some that it never takes. */
type Values = { good: fc.Arbitrary<string>; bad: fc.Arbitrary<string> }
const int = (min: number, max: number): Values => ({
  good: fc.integer({ min, max }).map(String),
  bad: fc.oneof(
    fc.constantFrom('x', '-1', '1.5', '1e3', '0x10', '1,5', '١', 'Infinity', 'NaN', '9'.repeat(30)),
    fc.constantFrom(min - 1, max + 1).map(String),
  ),
})
const decimal = (min: number, max: number): Values => ({
  good: fc.integer({ min: Math.ceil(min * 1000), max: max * 1000 }).map((n) => String(n / 1000)),
  bad: fc.constantFrom('x', '-1', '1e3', '.5', '1.', '0x10', '1,5', 'NaN', String(max + 1), '0'),
})
const choice = (...choices: string[]): Values => ({
  good: fc.constantFrom(...choices),
  bad: fc.constantFrom('maybe', 'ON', `${choices[0]} ${choices[0]}`, '0', 'null', '__proto__', 'constructor'),
})
const oneOf = (good: string[], bad: string[]): Values => ({
  good: fc.constantFrom(...good),
  bad: fc.constantFrom(...bad),
})

const secret = fc.stringMatching(/^[!-~]{16,40}$/)
const settings: Record<string, Values> = {
  GEMINI_API_KEY: { good: secret, bad: fc.constantFrom('short', 'with space inside', 'accentué-éééé') },
  GEMINI_MODEL: oneOf(['gemini-3.5-flash-lite', 'gemini-3.5-flash'], ['Gemini', 'a b', '../x', '-x', 'x'.repeat(101)]),
  GEMINI_THINKING: choice('lowest', 'low', 'medium', 'high'),
  GEMINI_API_VERSION: choice('v1beta', 'v1', 'v1alpha'),
  GEMINI_BASE_URL: oneOf(
    ['https://proxy.example/gemini', 'http://127.0.0.1:9090', 'http://[::1]:9/'],
    ['http://proxy.example', 'ftp://x', 'x', 'https://a:b@x.example', 'https://x.example/?k=1', 'https://x.example/#a'],
  ),
  HOST: oneOf(['0.0.0.0', '::', 'localhost'], ['a b', 'http://x', '1.2.3.4:80', '[::1]', 'é']),
  PORT: int(0, 65_535),
  SOCKET_PATH: { good: fc.constantFrom('/run/x.sock', 'x'), bad: fc.constant('x'.repeat(101)) },
  ALLOWED_ORIGINS: oneOf(
    ['https://shop.example', 'https://a.example, http://b.example:81', 'HTTPS://SHOP.EXAMPLE', ',,'],
    ['shop', '*', 'https://*.example', 'https://shop.example/', 'null', 'https://a;b', 'https://x:443', 'file:///'],
  ),
  TRUSTED_PROXIES: oneOf(
    ['loopback', 'unix, 10.0.0.0/8', '::1', '2001:db8::/32', '::ffff:10.0.0.0/104'],
    ['10.0.0.0/33', 'shop', '10.0.0', '010.0.0.1', '::1/129', '1.2.3.4/8/8'],
  ),
  STORE_URL: oneOf(
    ['sqlite:x.db', 'redis://x:6379', 'rediss://x'],
    ['x', 'sqlite:', 'mysql://x', 'Memory:', 'http://x'],
  ),
  MAX_MESSAGE_CHARS: int(1, 10_000),
  MAX_OUTPUT_TOKENS: int(16, 65_536),
  KNOWLEDGE_MAX_TOKENS: int(0, 100_000),
  FIRST_CHUNK_TIMEOUT_MS: int(100, 600_000),
  CHUNK_TIMEOUT_MS: int(100, 600_000),
  ANSWER_TIMEOUT_MS: int(100, 3_600_000),
  DETACHED_GRACE_MS: int(0, 3_600_000),
  DRAIN_MS: int(0, 3_600_000),
  CONNECTION_ASK_BURST: int(1, 100_000),
  CONNECTION_ASKS_PER_MINUTE: decimal(0.01, 1_000_000),
  IP_ASK_BURST: int(1, 100_000),
  IP_ASKS_PER_MINUTE: decimal(0.01, 1_000_000),
  IP_UPGRADE_BURST: int(1, 100_000),
  IP_UPGRADES_PER_MINUTE: decimal(0.01, 1_000_000),
  MAX_CONNECTIONS: int(1, 1_000_000),
  MAX_CONNECTIONS_PER_IP: int(1, 1_000_000),
  MAX_STREAMS: int(1, 100_000),
  MAX_STREAMS_PER_IP: int(1, 100_000),
  BUDGET_PER_DAY: decimal(0.0001, 100_000),
  BUDGET_PER_MONTH: decimal(0.0001, 1_000_000),
  BUDGET_TIME_ZONE: oneOf(['Europe/Paris', 'UTC', 'Asia/Kathmandu'], ['Paris', 'Europe/Nowhere', '../x', '+25:00']),
  BUDGET_SHARE_PER_ADDRESS: decimal(0.0001, 1),
  BUDGET_PACING: choice('on', 'off'),
  PRICE_INPUT_PER_MILLION: decimal(0.0001, 1000),
  PRICE_OUTPUT_PER_MILLION: decimal(0.0001, 1000),
  PROOF_OF_WORK: choice('auto', 'always', 'off'),
  KNOWLEDGE_FALLBACK: choice('on', 'off'),
  SESSION_TTL_HOURS: decimal(0.01, 8760),
  METRICS_TOKEN: { good: secret, bad: fc.constantFrom('short', 'with a space in it, long') },
  ADMIN_TOKEN: { good: secret, bad: fc.constantFrom('short', 'accentué-accentué-é') },
  REPORT_QUESTIONS: choice('on', 'off'),
  LOG_LEVEL: choice('debug', 'info', 'warn', 'error'),
}
/** What may be wrong although every setting alone is right. */
const TOGETHER =
  /^(SOCKET_PATH|GEMINI_BASE_URL|ANSWER_TIMEOUT_MS|REPORT_QUESTIONS|STORE_URL|BUDGET_PER_DAY|[A-Z_]+_BURST): /

type Given = { name: string; value: string; wrong: boolean }
const given: fc.Arbitrary<Given> = fc.oneof(
  ...Object.entries(settings).map(([name, { good, bad }]) =>
    fc.oneof(
      { weight: 4, arbitrary: good.map((value) => ({ name, value, wrong: false })) },
      { weight: 1, arbitrary: bad.map((value) => ({ name, value, wrong: true })) },
    ),
  ),
)
const env = fc.uniqueArray(given, { selector: ({ name }) => name, maxLength: 12 })
const envOf = (list: readonly Given[]) => Object.fromEntries(list.map(({ name, value }) => [name, value]))

function assertSettings(list: Given[]): void {
  const parsed = parseConfig(envOf(list))
  if (parsed.ok) {
    assert.equal(
      list.filter(({ wrong }) => wrong),
      [],
      'a wrong setting was taken',
    )
    return assertSame(parsed.config)
  }
  const named = parsed.errors.map((error) => error.slice(0, error.indexOf(':')))
  for (const { name, wrong } of list)
    if (wrong) assert.ok(named.includes(name), `${name} is not told: ${parsed.errors}`)
  const strange = parsed.errors.filter((error, i) => {
    const name = named[i] ?? ''
    return !NAMES.has(name) || !(TOGETHER.test(error) || list.some((each) => each.name === name && each.wrong))
  })
  assert.equal(strange, [])
}

/** A config written down as settings is read as itself. */
function assertSame(config: Config): void {
  const again = parseConfig(written(config))
  assert.ok(again.ok, again.ok ? '' : again.errors.join('\n'))
  if (again.ok) assert.equal(again.config, config)
}

const amount = (value: number) => value.toFixed(9)
const onOff = (on: boolean) => (on ? 'on' : 'off')

function written(config: Config): Record<string, string | undefined> {
  const { listen, gemini, budget, prices, trustedProxies } = config
  const bucket = (name: string, { burst, perMinute }: Config['addressAsks']) => ({
    [`${name}_BURST`]: String(burst),
    [`${name}S_PER_MINUTE`]: amount(perMinute),
  })
  const ranges = trustedProxies.ranges.map(({ base, bits }) => `${base}/${bits}`)
  return {
    ...(listen.kind === 'unix' ? { SOCKET_PATH: listen.path } : { HOST: listen.host, PORT: String(listen.port) }),
    GEMINI_API_KEY: gemini.apiKey,
    GEMINI_MODEL: gemini.model,
    GEMINI_BASE_URL: gemini.baseUrl.startsWith('https://generativelanguage.') ? '' : gemini.baseUrl,
    GEMINI_API_VERSION: gemini.apiVersion,
    GEMINI_THINKING: gemini.thinking,
    MAX_OUTPUT_TOKENS: String(config.maxOutputTokens),
    MAX_MESSAGE_CHARS: String(config.maxMessageChars),
    KNOWLEDGE_MAX_TOKENS: String(config.knowledgeMaxTokens),
    FIRST_CHUNK_TIMEOUT_MS: String(config.firstChunkTimeoutMs),
    CHUNK_TIMEOUT_MS: String(config.chunkTimeoutMs),
    ANSWER_TIMEOUT_MS: String(config.answerTimeoutMs),
    DETACHED_GRACE_MS: String(config.detachedGraceMs),
    DRAIN_MS: String(config.drainMs),
    ALLOWED_ORIGINS: config.allowedOrigins.join(','),
    TRUSTED_PROXIES: [...(trustedProxies.unix ? ['unix'] : []), ...ranges].join(','),
    STORE_URL: config.storeUrl,
    ...bucket('CONNECTION_ASK', config.connectionAsks),
    ...bucket('IP_ASK', config.addressAsks),
    ...bucket('IP_UPGRADE', config.addressUpgrades),
    MAX_CONNECTIONS: String(config.maxConnections),
    MAX_CONNECTIONS_PER_IP: String(config.maxConnectionsPerAddress),
    MAX_STREAMS: String(config.maxStreams),
    MAX_STREAMS_PER_IP: String(config.maxStreamsPerAddress),
    BUDGET_PER_DAY: amount(budget.perDay),
    BUDGET_PER_MONTH: amount(budget.perMonth),
    BUDGET_TIME_ZONE: budget.timeZone,
    BUDGET_SHARE_PER_ADDRESS: amount(budget.sharePerAddress),
    BUDGET_PACING: onOff(budget.pacing),
    PRICE_INPUT_PER_MILLION: amount(prices.inputNanoPerMillion / 1e9),
    PRICE_OUTPUT_PER_MILLION: amount(prices.outputNanoPerMillion / 1e9),
    PROOF_OF_WORK: config.proofOfWork,
    KNOWLEDGE_FALLBACK: onOff(config.knowledgeFallback),
    SESSION_TTL_HOURS: amount(config.sessionTtlMs / 3_600_000),
    PERSONA_DIR: config.personaDir,
    METRICS_TOKEN: config.metricsToken,
    ADMIN_TOKEN: config.adminToken,
    REPORT_QUESTIONS: onOff(config.reportQuestions),
    LOG_LEVEL: config.logLevel,
  }
}

const anyName = fc.constantFrom(...Object.keys(settings), 'GEMINI_API_KEY_FILE', 'BUDGET_DAY_SECONDS', 'PERSONA_DIR')
const anyValue = edited(
  given.map(({ value }) => value),
  ['-', '.', 'e', '0', ' ', ',', '\n', '\0', '/', ':', '"', '\u001b[31m', '١'],
)

/** A secret in a wrong place is hidden, and no error grows with its value. */
function assertHidden([pairs, key, places]: [[string, string][], string, string[]]): void {
  const misplaced = places.map((name): [string, string] => [name, `x ${key} y`])
  const parsed = parseConfig({ ...Object.fromEntries([...pairs, ...misplaced]), GEMINI_API_KEY: key })
  if (parsed.ok) return assertSame(parsed.config)
  assert.ok(parsed.errors.length > 0)
  for (const error of parsed.errors) assert.not.match(error, key)
}

export const settingsTargets: Target[] = [
  target(
    {
      name: 'settings',
      title: 'settings are taken whole or every wrong one is named; what is taken and written down is read as itself',
      short: 500,
      weight: 0.3,
    },
    env,
    assertSettings,
  ),
  target(
    {
      name: 'settings-any',
      title: 'no setting throws, whatever it is, and no error shows the key',
      short: 500,
      weight: 0.3,
    },
    fc.tuple(fc.array(fc.tuple(anyName, anyValue), { maxLength: 6 }), secret, fc.array(anyName, { maxLength: 3 })),
    assertHidden,
  ),
]
