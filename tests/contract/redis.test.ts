import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../server/clock.ts'
import type { Log } from '../../server/log.ts'
import { silentLog } from '../../server/log.ts'
import type { ReserveOrder } from '../../server/quota/ledger.ts'
import { initStore, openStore } from '../../server/stores/open.ts'
import type { Store } from '../../server/stores/port.ts'
import type { TestRedis } from '../helpers/redis.ts'
import { startRedis } from '../helpers/redis.ts'

const TODAY = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
const CAPS = { dayNano: 1000, monthNano: 100_000 }
const order = (id: string, nano: number): ReserveOrder => {
  return { ...TODAY, id, nano, owner: 'boot', caps: CAPS, scopes: [], at: Date.UTC(2026, 0, 15), hour: 0 }
}
const opened = (url: string, log: Log = silentLog) => openStore(url, { clock: systemClock, log })
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'fine',
    (error) => error.code,
  )

const redis = await startRedis()

function it(name: string, run: (redis: TestRedis) => Promise<void>): void {
  if (!redis) return
  test(name, async () => {
    await redis.empty()
    await run(redis)
  })
}

async function ready(server: TestRedis, query = ''): Promise<Store> {
  await initStore(server.url, silentLog)
  return opened(`${server.url}${query}`)
}

/** Resolves once `store` takes money again; the connection comes back by itself. */
async function back(store: Store): Promise<void> {
  while (!(await store.ready())) await new Promise(setImmediate)
}

it('a fresh Redis is refused until it is made ours, once', async ({ url }) => {
  assert.is(await codeOf(opened(url)), 'not_initialized')
  assert.is(await initStore(url, silentLog), true)
  assert.is(await initStore(url, silentLog), false)
  await (await opened(url)).close()
  assert.is(await initStore('memory:', silentLog), false)
})

it('a flushed Redis admits nothing, and recovers once it is made ours again', async (server) => {
  const store = await ready(server)
  assert.ok((await store.ledger.reserve(order('a', 100))).ok)
  await server.empty()
  assert.is(await codeOf(store.ledger.reserve(order('b', 100))), 'not_initialized')
  assert.is(await store.ready(), false)
  await initStore(server.url, silentLog)
  await back(store)
  assert.ok((await store.ledger.reserve(order('b', 100))).ok)
  await store.close()
})

it('a Redis that may forget is refused in a sentence, also while it runs', async (server) => {
  const log: string[] = []
  const noting = { ...silentLog, warn: (event: string) => void log.push(event) }
  await initStore(server.url, silentLog)
  await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  const evicting = await opened(server.url).catch((error) => error)
  assert.is(evicting.code, 'unsafe')
  assert.match(evicting.message, /maxmemory-policy noeviction/)
  await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  await server.command('CONFIG', 'SET', 'appendonly', 'no')
  const forgetful = await opened(server.url).catch((error) => error)
  assert.match(`${forgetful.code}: ${forgetful.message}`, /^unsafe: .*appendonly yes/)
  await server.command('CONFIG', 'SET', 'appendonly', 'yes')
  // Refused until its first file is written.
  while ((await codeOf(opened(server.url).then((store) => store.close()))) !== 'fine');
  await (await opened(server.url, noting)).close()
  assert.equal(log, ['redis_appendfsync'])
  await server.command('CONFIG', 'SET', 'appendfsync', 'always')
  await (await opened(server.url, noting)).close()
  await server.command('CONFIG', 'SET', 'appendfsync', 'everysec')
  assert.equal(log, ['redis_appendfsync'], 'always is not warned about')
})

it('while Redis is down commands fail at once; it comes back by itself, with all that was booked', async (server) => {
  await server.command('CONFIG', 'SET', 'appendfsync', 'always')
  const store = await ready(server)
  assert.ok((await store.ledger.reserve(order('a', 700))).ok)
  await server.kill()
  const codes = await Promise.all([1, 2, 3].map((n) => codeOf(store.ledger.reserve(order(`down-${n}`, 1)))))
  assert.equal(codes, ['unreachable', 'unreachable', 'unreachable'])
  assert.is(
    await codeOf(store.buckets.take([{ rule: { name: 'r', burst: 1, perMinute: 1 }, key: 'k' }])),
    'unreachable',
  )
  assert.is(await store.ready(), false)
  await server.start()
  await back(store)
  assert.is((await store.ledger.snapshot(TODAY, CAPS)).spent.held, 700)
  assert.not((await store.ledger.reserve(order('b', 301))).ok)
  await store.close()
})

it('scripts that Redis forgot are sent again', async (server) => {
  const store = await ready(server)
  assert.ok((await store.ledger.reserve(order('a', 100))).ok)
  await server.command('SCRIPT', 'FLUSH')
  assert.ok((await store.ledger.reserve(order('b', 100))).ok)
  await store.close()
})

it('with replicas, a reserve counts once they have it', async (server) => {
  const alone = await ready(server, '?replicas=1')
  assert.is(await codeOf(alone.ledger.reserve(order('a', 100))), 'unconfirmed')
  await alone.close()
  const replica = await startRedis('--replicaof', '127.0.0.1', String(server.port))
  if (!replica) return
  const store = await ready(server, '?replicas=1')
  // Until the replica has caught up, reserves are refused.
  for (let n = 0; (await codeOf(store.ledger.reserve(order(`r${n}`, 1)))) !== 'fine'; n++)
    await new Promise(setImmediate)
  assert.ok((await store.ledger.reserve(order('b', 100))).ok)
  await store.close()
  await replica.close()
})

it('no address stands in Redis as it is', async (server) => {
  const store = await ready(server)
  const address = '192.0.2.77'
  await store.buckets.take([{ rule: { name: 'ip', burst: 5, perMinute: 1 }, key: address }])
  const scopes = [{ cause: 'share', key: `address:${address}`, capNano: 1000 }] as const
  await store.ledger.reserve({ ...order('a', 1), scopes })
  assert.not(String(await server.command('KEYS', '*')).includes(address))
  assert.not(String(await server.command('HGETALL', '{le-mecano}:hold:a')).includes(address))
  await store.close()
})

test('addresses of a Redis that lead nowhere are refused in a sentence', async () => {
  const nowhere = await opened('redis://127.0.0.1:1').catch((error) => error)
  assert.match(
    `${nowhere.code}: ${nowhere.message}`,
    /^unreachable: Redis at 127\.0\.0\.1:1 can't be reached \(.*: start it/,
  )
  assert.is(await codeOf(opened('redis://127.0.0.1:1?replicas=x')), 'bad_url')
  const secret = await opened('redis://:secret@127.0.0.1:1').catch((error) => error)
  assert.not(secret.message.includes('secret'))
})

test('the test server ends', async () => {
  await redis?.close()
})

test.run()
