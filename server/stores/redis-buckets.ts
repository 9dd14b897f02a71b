import type { PointsTake } from '../quota/bucket.ts'
import { assertPoints, bucketKey, levelOf, measure, merged, toMicros } from '../quota/bucket.ts'
import type { BucketRule } from '../quota/port.ts'
import type { TokenStore } from '../quota/token-bucket.ts'
import type { RedisParts } from './redis-ledger.ts'
import { list, whole } from './redis-replies.ts'
import { scripts } from './redis-scripts.ts'

/**
 * Token buckets in Redis, one key each. A script of our own: the library's RateLimiterRedis hands its script a single
 * key, and the buckets of a question are taken together or not at all. Times are the caller's, so hosts need NTP.
 */
export function redisTokens({ redis, front, now, hide }: RedisParts): TokenStore {
  const keyOf = (rule: BucketRule, key: string): string => `${front}bucket:${hide(bucketKey(rule, key))}`
  const micros = (): number => toMicros(now())
  const level = (rule: BucketRule, key: string, tat: unknown) => {
    const stored = tat === null ? undefined : whole(tat)
    const tats = { get: () => stored, set: () => undefined, delete: () => undefined }
    return levelOf(tats, micros(), rule, key)
  }
  return {
    async takeAll(takes) {
      const wanted = merged(takes)
      const keys = wanted.map(({ rule, key }) => keyOf(rule, key))
      const [late, wait, remaining] = list(await redis.run(scripts.take, keys, micros(), ...wanted.flatMap(numbers)))
      const refused = wanted[whole(late) - 1]
      if (!refused) return { ok: true, remaining: whole(remaining) }
      const waitMs = Math.ceil(whole(wait) / 1000)
      return { ok: false, waitMs, bucket: refused.rule.name, remaining: whole(remaining) }
    },
    level: async (rule, key) => level(rule, key, await redis.call('GET', keyOf(rule, key))),
    async drain(take) {
      assertPoints(take.points)
      const { rule, key } = take
      return level(rule, key, await redis.run(scripts.drain, [keyOf(rule, key)], micros(), ...numbers(take)))
    },
    delete: async (rule, key) => void (await redis.call('DEL', keyOf(rule, key))),
  }
}

function numbers({ rule, points }: PointsTake): number[] {
  const { interval, full } = measure(rule)
  return [interval, full, points]
}
