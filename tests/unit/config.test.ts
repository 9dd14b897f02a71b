import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Config, parseConfig, upstreamIsLocal } from '../../server/config.ts'
import type { Env } from '../../server/settings.ts'

const KEY = 'AIzaSyCanary-0123456789_abcdefghijklmno'
const valid = (env: Env, keyFile?: string): Config => {
  const parsed = parseConfig(env, keyFile)
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'))
  return parsed.config
}
const mistakes = (env: Env, keyFile?: string): readonly string[] => {
  const parsed = parseConfig(env, keyFile)
  return parsed.ok ? [] : parsed.errors
}
const named = (errors: readonly string[]) => errors.map((error) => error.slice(0, error.indexOf(':')))

test('questions are kept for the report only under the admin’s token', () => {
  assert.equal(named(mistakes({ REPORT_QUESTIONS: 'on' })), ['REPORT_QUESTIONS'])
  assert.equal(named(mistakes({ REPORT_QUESTIONS: 'yes' })), ['REPORT_QUESTIONS'])
  assert.is(valid({ REPORT_QUESTIONS: 'on', ADMIN_TOKEN: 'x'.repeat(16) }).reportQuestions, true)
})

test('an empty environment gives the defaults of the demonstration', () => {
  assert.equal(valid({}), {
    listen: { kind: 'tcp', host: '127.0.0.1', port: 8080 },
    gemini: {
      apiKey: undefined,
      model: 'gemini-3.5-flash-lite',
      baseUrl: 'https://generativelanguage.googleapis.com',
      apiVersion: 'v1beta',
      thinking: 'lowest',
    },
    maxOutputTokens: 800,
    maxMessageChars: 1000,
    maxFrameBytes: 7024,
    knowledgeMaxTokens: 2000,
    firstChunkTimeoutMs: 15_000,
    chunkTimeoutMs: 10_000,
    answerTimeoutMs: 60_000,
    detachedGraceMs: 30_000,
    drainMs: 25_000,
    allowedOrigins: [],
    trustedProxies: { unix: false, ranges: [] },
    storeUrl: 'sqlite:data/le-mecano.db',
    connectionAsks: { burst: 4, perMinute: 10 },
    addressAsks: { burst: 10, perMinute: 20 },
    addressUpgrades: { burst: 30, perMinute: 60 },
    maxConnections: 5000,
    maxConnectionsPerAddress: 10,
    maxStreams: 200,
    maxStreamsPerAddress: 4,
    budget: { perDay: 1, perMonth: 20, timeZone: 'Europe/Paris', sharePerAddress: 0.05, pacing: true },
    prices: { inputNanoPerMillion: 300_000_000, outputNanoPerMillion: 2_500_000_000 },
    proofOfWork: 'auto',
    knowledgeFallback: true,
    sessionTtlMs: 86_400_000,
    personaDir: 'persona',
    metricsToken: undefined,
    adminToken: undefined,
    logLevel: 'info',
    reportQuestions: false,
  })
})

const names = [...readFileSync('.env.example', 'utf8').matchAll(/^([A-Z_]+)=/gm)].flatMap(([, name]) => name ?? [])

test('an empty or blank value counts as missing, for every setting', () => {
  for (const blank of ['', ' ', '\t '])
    assert.equal(valid(Object.fromEntries(names.map((name) => [name, blank]))), valid({}))
})

/** Each whole number: how to see it, and its bounds. */
const integers: [string, number, number, (config: Config) => unknown][] = [
  ['PORT', 0, 65_535, ({ listen }) => listen.kind === 'tcp' && listen.port],
  ['MAX_OUTPUT_TOKENS', 16, 65_536, (config) => config.maxOutputTokens],
  ['MAX_MESSAGE_CHARS', 1, 10_000, (config) => config.maxMessageChars],
  ['KNOWLEDGE_MAX_TOKENS', 0, 100_000, (config) => config.knowledgeMaxTokens],
  ['FIRST_CHUNK_TIMEOUT_MS', 100, 600_000, (config) => config.firstChunkTimeoutMs],
  ['CHUNK_TIMEOUT_MS', 100, 600_000, (config) => config.chunkTimeoutMs],
  ['ANSWER_TIMEOUT_MS', 100, 3_600_000, (config) => config.answerTimeoutMs],
  ['DETACHED_GRACE_MS', 0, 3_600_000, (config) => config.detachedGraceMs],
  ['DRAIN_MS', 0, 3_600_000, (config) => config.drainMs],
  ['CONNECTION_ASK_BURST', 1, 100_000, (config) => config.connectionAsks.burst],
  ['IP_ASK_BURST', 1, 100_000, (config) => config.addressAsks.burst],
  ['IP_UPGRADE_BURST', 1, 100_000, (config) => config.addressUpgrades.burst],
  ['MAX_CONNECTIONS', 1, 1_000_000, (config) => config.maxConnections],
  ['MAX_CONNECTIONS_PER_IP', 1, 1_000_000, (config) => config.maxConnectionsPerAddress],
  ['MAX_STREAMS', 1, 100_000, (config) => config.maxStreams],
  ['MAX_STREAMS_PER_IP', 1, 100_000, (config) => config.maxStreamsPerAddress],
]
const decimals: [string, number, number, (config: Config) => unknown][] = [
  ['CONNECTION_ASKS_PER_MINUTE', 0.01, 1_000_000, (config) => config.connectionAsks.perMinute],
  ['IP_ASKS_PER_MINUTE', 0.01, 1_000_000, (config) => config.addressAsks.perMinute],
  ['IP_UPGRADES_PER_MINUTE', 0.01, 1_000_000, (config) => config.addressUpgrades.perMinute],
  ['BUDGET_PER_DAY', 0.0001, 100_000, (config) => config.budget.perDay],
  ['BUDGET_PER_MONTH', 0.0001, 1_000_000, (config) => config.budget.perMonth],
  ['BUDGET_SHARE_PER_ADDRESS', 0.0001, 1, (config) => config.budget.sharePerAddress],
  ['PRICE_INPUT_PER_MILLION', 0.0001, 1000, ({ prices }) => prices.inputNanoPerMillion / 1e9],
  ['PRICE_OUTPUT_PER_MILLION', 0.0001, 1000, ({ prices }) => prices.outputNanoPerMillion / 1e9],
  ['SESSION_TTL_HOURS', 0.01, 8760, (config) => config.sessionTtlMs / 3_600_000],
]
const roomy: Env = { BUDGET_PER_MONTH: '1000000', BUDGET_PER_DAY: '0.0001', ANSWER_TIMEOUT_MS: '3600000' }
const patient: Env = { FIRST_CHUNK_TIMEOUT_MS: '100' }

test('numbers are taken up to their bounds and not beyond', () => {
  for (const [name, min, max, read] of [...integers, ...decimals])
    for (const value of [min, max]) {
      const env = { ...roomy, ...(name === 'ANSWER_TIMEOUT_MS' && patient), [name]: ` ${value} ` }
      assert.is(read(valid(env)), value, `${name}=${value}`)
    }
  for (const [name, min, max] of integers)
    for (const value of [min - 1, max + 1]) assert.equal(named(mistakes({ ...roomy, [name]: `${value}` })), [name])
  for (const [name, min, max] of decimals)
    for (const value of [min / 2, max + 0.5])
      assert.ok(named(mistakes({ ...roomy, [name]: `${value}` })).includes(name), name)
})

test('what JavaScript would read as a number but people would not is refused', () => {
  const odd = [
    'NaN',
    'Infinity',
    '1e3',
    '-1',
    '+5',
    '0x10',
    '0b1',
    '1 000',
    '1,5',
    '1_000',
    '٣',
    '5 MB',
    '99999999999999999999',
    'true',
  ]
  for (const [name] of [...integers, ...decimals])
    for (const value of odd) assert.ok(named(mistakes({ ...roomy, [name]: value })).includes(name), `${name}=${value}`)
  for (const [name] of integers) assert.ok(named(mistakes({ ...roomy, [name]: '20.5' })).includes(name), name)
})

test('choices are exact', () => {
  const choices: [string, string[]][] = [
    ['GEMINI_API_VERSION', ['v1beta', 'v1', 'v1alpha']],
    ['GEMINI_THINKING', ['lowest', 'low', 'medium', 'high']],
    ['BUDGET_PACING', ['on', 'off']],
    ['PROOF_OF_WORK', ['auto', 'always', 'off']],
    ['KNOWLEDGE_FALLBACK', ['on', 'off']],
    ['LOG_LEVEL', ['debug', 'info', 'warn', 'error']],
  ]
  for (const [name, known] of choices) {
    for (const value of known) assert.equal(mistakes({ [name]: value }), [])
    for (const value of [known[0]?.toUpperCase(), 'yes', '1', 'toString'])
      assert.equal(named(mistakes({ [name]: value })), [name])
  }
  assert.is(valid({ KNOWLEDGE_FALLBACK: 'off' }).knowledgeFallback, false)
  assert.is(valid({ BUDGET_PACING: 'off' }).budget.pacing, false)
})

test('every mistake is listed at once', () => {
  const errors = mistakes({
    PORT: 'eighty',
    HOST: 'not a host',
    ALLOWED_ORIGINS: 'shop, https://ok.example, ftp://x',
    STORE_URL: 'mysql://x',
    TRUSTED_PROXIES: 'loopback, nonsense',
    GEMINI_MODEL: 'gemini-unheard-of',
    BUDGET_TIME_ZONE: 'Mars/Olympus',
    MAX_STREAMS: '0',
    METRICS_TOKEN: 'short',
  })
  const wanted = ['PORT', 'HOST', 'ALLOWED_ORIGINS', 'ALLOWED_ORIGINS', 'STORE_URL', 'TRUSTED_PROXIES']
  assert.equal(
    named(errors).sort(),
    [...wanted, 'GEMINI_MODEL', 'BUDGET_TIME_ZONE', 'MAX_STREAMS', 'METRICS_TOKEN'].sort(),
  )
  assert.match(errors.join('\n'), 'ALLOWED_ORIGINS: "shop" is not an origin')
})

test('settings that contradict each other are refused', () => {
  assert.equal(named(mistakes({ ANSWER_TIMEOUT_MS: '5000' })), ['ANSWER_TIMEOUT_MS'])
  assert.equal(named(mistakes({ BUDGET_PER_DAY: '21' })), ['BUDGET_PER_DAY'])
  assert.equal(named(mistakes({ IP_ASK_BURST: '100000', IP_ASKS_PER_MINUTE: '0.01' })), ['IP_ASK_BURST'])
  assert.equal(named(mistakes({ SOCKET_PATH: 'run/x.sock', PORT: '80' })), ['SOCKET_PATH'])
  assert.equal(named(mistakes({ GEMINI_BASE_URL: 'https://proxy.example' })), ['GEMINI_BASE_URL'])
})

test('the server listens on TCP or on a Unix socket', () => {
  assert.equal(valid({ HOST: '::1', PORT: '0' }).listen, { kind: 'tcp', host: '::1', port: 0 })
  assert.equal(valid({ HOST: 'localhost' }).listen, { kind: 'tcp', host: 'localhost', port: 8080 })
  assert.equal(valid({ SOCKET_PATH: '/run/m/x.sock' }).listen, { kind: 'unix', path: '/run/m/x.sock' })
  assert.equal(named(mistakes({ SOCKET_PATH: `/${'é'.repeat(50)}` })), ['SOCKET_PATH'])
  for (const host of ['a b', 'http://x', 'x/y', '1.2.3.4:80', '[::1]'])
    assert.equal(named(mistakes({ HOST: host })), ['HOST'])
})

test('the key comes from one place and is never quoted', () => {
  assert.is(valid({ GEMINI_API_KEY: ` ${KEY} ` }).gemini.apiKey, KEY)
  assert.is(valid({ GEMINI_API_KEY_FILE: 'key' }, `${KEY}\n`).gemini.apiKey, KEY)
  assert.equal(named(mistakes({ GEMINI_API_KEY: KEY, GEMINI_API_KEY_FILE: 'key' }, KEY)), ['GEMINI_API_KEY'])
  assert.equal(named(mistakes({ GEMINI_API_KEY_FILE: 'key' }, ' \n')), ['GEMINI_API_KEY_FILE'])
  for (const bad of ['tiny', `${KEY} ${KEY}`, `"${KEY}`.padEnd(600, 'x'), `${KEY}é`]) {
    const errors = mistakes({ GEMINI_API_KEY: bad })
    assert.equal(named(errors), ['GEMINI_API_KEY'])
    assert.not.match(errors.join('\n'), bad.slice(0, 5))
  }
})

test('a key or token that stands in a wrong setting is not quoted either', () => {
  for (const name of names.filter((name) => name !== 'GEMINI_API_KEY')) {
    const alone = mistakes({ [name]: `${KEY} ` }).join('\n')
    const beside = mistakes({ GEMINI_API_KEY: KEY, [name]: `x ${KEY}!` }).join('\n')
    assert.not.match(`${alone}${beside}`, 'Canary', name)
  }
  const token = 'a-token-of-the-administrator-that-is-longer-than-an-error'
  assert.not.match(mistakes({ ADMIN_TOKEN: token, LOG_LEVEL: token }).join('\n'), 'a-token')
  assert.not.match(
    mistakes({ GEMINI_API_KEY_FILE: 'key', LOG_LEVEL: 'other-key-form' }, 'other-key-form').join('\n'),
    'form',
  )
})

test('an upstream is https, or http on loopback', () => {
  const fine = [
    'https://proxy.example/gemini',
    'http://127.0.0.1:9',
    'http://localhost:9',
    'http://[::1]:9',
    'http://127.8.9.1',
  ]
  for (const url of fine) assert.is(valid({ GEMINI_API_KEY: KEY, GEMINI_BASE_URL: `${url}/` }).gemini.baseUrl, url)
  const bad = [
    'http://10.0.0.1',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'ftp://127.0.0.1',
    'x',
  ]
  const odd = [
    'https://user@proxy.example',
    'https://:pass@proxy.example',
    'https://x.example?a=b',
    'https://x.example#a',
    '//x',
  ]
  for (const url of [...bad, ...odd])
    assert.equal(named(mistakes({ GEMINI_API_KEY: KEY, GEMINI_BASE_URL: url })), ['GEMINI_BASE_URL'], url)
})

test('origins are exact, and can say nothing else inside a header', () => {
  const { allowedOrigins } = valid({
    ALLOWED_ORIGINS: 'https://Shop.example, http://localhost:5173 ,,https://[::1]:8443',
  })
  assert.equal(allowedOrigins, ['https://shop.example', 'http://localhost:5173', 'https://[::1]:8443'])
  const bad = [
    'null',
    '*',
    'https://*.shop.example',
    'https://shop.example/',
    'https://shop.example:443',
    'shop.example',
  ]
  const worse = [
    'https://a;x',
    "https://a'x",
    'https://a.example/x',
    'javascript:x',
    'https://u@a.example',
    'https://a b',
  ]
  for (const origin of [...bad, ...worse])
    assert.equal(named(mistakes({ ALLOWED_ORIGINS: origin })), ['ALLOWED_ORIGINS'], origin)
})

test('memory: is for the demonstration and a local upstream alone', () => {
  assert.is(valid({ STORE_URL: 'memory:' }).storeUrl, 'memory:')
  assert.is(
    valid({ STORE_URL: 'memory:', GEMINI_API_KEY: KEY, GEMINI_BASE_URL: 'http://127.0.0.1:9' }).storeUrl,
    'memory:',
  )
  assert.equal(named(mistakes({ STORE_URL: 'memory:', GEMINI_API_KEY: KEY })), ['STORE_URL'])
  for (const url of ['sqlite:', 'memory:x', 'redis://', 'file:x', 'data/x.db'])
    assert.equal(named(mistakes({ STORE_URL: url })), ['STORE_URL'])
})

test('short days are for a local upstream alone', () => {
  assert.is(valid({ BUDGET_DAY_SECONDS: '2' }).budget.daySeconds, 2)
  const local = { BUDGET_DAY_SECONDS: '60', GEMINI_API_KEY: KEY, GEMINI_BASE_URL: 'http://127.0.0.1:9' }
  assert.is(valid(local).budget.daySeconds, 60)
  assert.equal(named(mistakes({ BUDGET_DAY_SECONDS: '60', GEMINI_API_KEY: KEY })), ['BUDGET_DAY_SECONDS'])
  for (const wrong of ['0', '1.5', '86401', 'x']) {
    assert.equal(named(mistakes({ BUDGET_DAY_SECONDS: wrong })), ['BUDGET_DAY_SECONDS'], wrong)
  }
})

test('whether questions stay on this machine', () => {
  assert.is(upstreamIsLocal(valid({}).gemini), true)
  assert.is(upstreamIsLocal(valid({ GEMINI_API_KEY: KEY }).gemini), false)
  assert.is(upstreamIsLocal(valid({ GEMINI_API_KEY: KEY, GEMINI_BASE_URL: 'http://127.0.0.1:9' }).gemini), true)
})

test('an unknown model needs prices', () => {
  assert.equal(named(mistakes({ GEMINI_MODEL: 'gemini-9' })), ['GEMINI_MODEL'])
  const prices = { PRICE_INPUT_PER_MILLION: '0.3', PRICE_OUTPUT_PER_MILLION: '2.5' }
  assert.is(valid({ GEMINI_MODEL: 'gemini-9', ...prices }).gemini.model, 'gemini-9')
  for (const model of ['../x', 'Gemini 3', 'a?key=x', '-x', 'x'.repeat(101)])
    assert.equal(named(mistakes({ GEMINI_MODEL: model, ...prices })), ['GEMINI_MODEL'], model)
})

test('memory: is refused where PM2 runs several processes', () => {
  const several = [{ instances: '2' }, { instances: '1', NODE_APP_INSTANCE: '1' }]
  for (const env of several) {
    assert.match(mistakes({ STORE_URL: 'memory:', ...env }).join(), 'STORE_URL: memory: is of one process alone')
    valid({ STORE_URL: 'redis://127.0.0.1', ...env })
    valid(env)
  }
  assert.is(valid({ STORE_URL: 'memory:', instances: '1', NODE_APP_INSTANCE: '0' }).storeUrl, 'memory:')
})

test('a frame holds the longest question with every character escaped, and never more than 16 KB', () => {
  assert.is(valid({ MAX_MESSAGE_CHARS: '1' }).maxFrameBytes, 1030)
  assert.is(valid({ MAX_MESSAGE_CHARS: '10000' }).maxFrameBytes, 16_384)
})

test('tokens are long enough and printable', () => {
  assert.is(valid({ METRICS_TOKEN: 'x'.repeat(16) }).metricsToken, 'x'.repeat(16))
  for (const token of ['x'.repeat(15), `${'x'.repeat(16)} y`, 'é'.repeat(16)])
    assert.equal(named(mistakes({ METRICS_TOKEN: token, ADMIN_TOKEN: token })), ['METRICS_TOKEN', 'ADMIN_TOKEN'])
})

test('.env.example names every setting once, with its default, and no other', () => {
  const read = new Set<string>()
  const recorder: Env = new Proxy<Record<string, string>>(
    {},
    {
      get(_, name) {
        read.add(String(name))
        return name === 'GEMINI_API_KEY' ? KEY : ''
      },
    },
  )
  parseConfig(recorder)
  // PM2 tells these.
  for (const name of ['instances', 'NODE_APP_INSTANCE']) assert.ok(read.delete(name))
  assert.equal([...names].sort(), [...read].sort())
  const values = readFileSync('.env.example', 'utf8').matchAll(/^([A-Z_]+)=(.*)$/gm)
  const env = Object.fromEntries([...values].map(([, name = '', value]) => [name, value]))
  assert.equal(valid(env), valid({}))
})

test.run()
