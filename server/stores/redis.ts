import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Secrets } from '../quota/port.ts'
import { tokenBuckets } from '../quota/token-bucket.ts'
import { hiding, newPeerId, newSalt } from './hide.ts'
import type { Store } from './port.ts'
import { StoreError } from './port.ts'
import { parseRedisAddress } from './redis-address.ts'
import { redisTokens } from './redis-buckets.ts'
import type { RedisConnection } from './redis-connection.ts'
import { connectRedis, NOT_INITIALIZED } from './redis-connection.ts'
import { redisConversations } from './redis-conversations.ts'
import { redisDiary } from './redis-diary.ts'
import { redisLedger } from './redis-ledger.ts'
import { redisPeers } from './redis-peers.ts'
import { redisQuestions } from './redis-questions.ts'
import { text } from './redis-replies.ts'
import { scripts } from './redis-scripts.ts'
import { newSecret, secretOf } from './secrets.ts'

// One hash tag, so that a cluster keeps all of it in one slot: a script works there only.
const FRONT = '{le-mecano}:'
const FACTS = `${FRONT}facts`

/**
 * A store in Redis or Valkey, at an address as redis-address.ts knows them. Rejects with a StoreError whose sentence says
 * what is wrong: unreachable, unsafe for money, or fresh.
 */
export async function redisStore(given: string, clock: Clock, log: Log): Promise<Store> {
  const address = parseRedisAddress(given)
  let hide = (name: string): string => name
  const told: Log = { ...log, warn: whenChanged(log) }
  const check = async (connection: RedisConnection): Promise<void> => {
    const info = await checkSafety(connection, told)
    const salt = await connection.raw('HGET', FACTS, 'sentinel')
    if (salt === null) throw new StoreError('not_initialized', NOT_INITIALIZED)
    hide = hiding(text(salt))
    await checkLineage(connection, info, { replicas: address.replicas, now: clock.now(), log: told })
  }
  const opened: RedisConnection[] = []
  const close = async () => void (await Promise.all(opened.map((each) => each.close())))
  const connect = async (): Promise<RedisConnection> => {
    const connection = await connectRedis({ address, log, check })
    opened.push(connection)
    await connection.call('PING')
    return connection
  }
  const open = async () => {
    const redis = await connect()
    return { redis, confirming: address.replicas === 0 ? redis : await connect() }
  }
  const { redis, confirming } = await open().catch(async (cause) => {
    await close()
    throw cause
  })
  const parts = { redis, front: FRONT, now: () => clock.now(), hide: (name: string) => hide(name) }
  const self = newPeerId()
  const peers = redisPeers({ address, redis, front: FRONT, self })
  const tokens = redisTokens(parts)
  return {
    kind: 'redis',
    tokens,
    buckets: tokenBuckets(tokens),
    ledger: redisLedger({ ...parts, confirming }),
    conversations: redisConversations({ ...parts, self }),
    peers,
    secrets: redisSecrets(redis),
    diary: redisDiary(parts),
    questions: redisQuestions(parts),
    ready: () =>
      redis.call('HSET', FACTS, 'probe', '').then(
        () => true,
        () => false,
      ),
    async close() {
      await peers.close()
      await close()
    },
  }
}

const redisSecrets = (redis: RedisConnection): Secrets => ({
  async secret(name) {
    await redis.call('HSETNX', FACTS, `secret:${name}`, newSecret())
    return secretOf(text(await redis.call('HGET', FACTS, `secret:${name}`)))
  },
})

/** Marks a fresh Redis as ours, with nothing spent. False: it was already. */
export async function initRedis(given: string, log: Log): Promise<boolean> {
  const redis = await connectRedis({ address: parseRedisAddress(given), log, check: async () => undefined })
  try {
    await checkSafety(redis, log)
    // The sentinel is also the salt of hashed addresses: without one there is none of the other.
    return (await redis.raw('HSETNX', FACTS, 'sentinel', newSalt())) === 1
  } finally {
    await redis.close()
  }
}

/** Warnings of a check that runs again after each loss of the connection: one that says the same is told once. */
function whenChanged(log: Log): Log['warn'] {
  const told = new Map<string, string>()
  return (event, fields = {}) => {
    const said = JSON.stringify(fields)
    if (told.get(event) !== said) log.warn(event, fields)
    told.set(event, said)
  }
}

/** Money is safe where Redis forgets nothing: every write is logged to a file, and nothing is dropped for room. */
async function checkSafety(redis: RedisConnection, log: Log): Promise<string> {
  const info = text(await redis.raw('INFO'))
  if (/^role:slave/m.test(info)) {
    throw new StoreError('replica', 'this Redis is a replica, which takes no writes: lead STORE_URL to its primary')
  }
  if (!/^aof_enabled:1/m.test(info)) {
    throw new StoreError('unsafe', 'Redis would forget what was spent: set appendonly yes in redis.conf')
  }
  // Just after appendonly was set, nothing survives a crash until the first file is written.
  const writing = /^aof_(rewrite_in_progress|rewrite_scheduled):1/m.test(info)
  if ((writing && /^aof_base_size:0\s*$/m.test(info)) || /^aof_last_write_status:err/m.test(info)) {
    throw new StoreError('unsafe', "Redis hasn't written its append-only file yet, or can't: look at its log")
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  if (policy !== 'noeviction') {
    throw new StoreError(
      'unsafe',
      `Redis may drop what was spent (${policy}): set maxmemory-policy noeviction in redis.conf`,
    )
  }
  const fsync = await redis.raw('CONFIG', 'GET', 'appendfsync').catch(() => undefined)
  const appendfsync = Array.isArray(fsync) ? String(fsync[1]) : 'unknown'
  if (appendfsync !== 'always') log.warn('redis_appendfsync', { appendfsync })
  return info
}

type LineageParts = { replicas: number; now: number; log: Log }

/** A replica that took over knows only what had reached it: where nobody waited for it, that is for the admin to accept. */
async function checkLineage(redis: RedisConnection, info: string, { replicas, now, log }: LineageParts): Promise<void> {
  const history = (name: string) => new RegExp(`^${name}:([0-9a-f]*[1-9a-f][0-9a-f]*)\\s*$`, 'm').exec(info)?.[1] ?? ''
  const id = history('master_replid')
  if (id === '') return
  if (replicas === 0 && /^connected_slaves:[1-9]/m.test(info)) log.warn('redis_replicas_unconfirmed')
  const { lua } = scripts.lineage
  const halted = await redis.raw('EVAL', lua, 1, FACTS, id, history('master_replid2'), replicas, now)
  if (halted === 1) log.error('wallet_halted', { cause: 'failover' })
}
