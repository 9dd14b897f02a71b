import { RateLimiterCompatibleAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import type { Level, PointsTake, Tats, Verdict } from './bucket.ts'
import { bucketKey, drain, levelOf, takeAll } from './bucket.ts'
import type { BucketRule, Buckets } from './port.ts'

/** Where buckets are. Each call is one atomic step at the store's own time, and rejects when it is out of order. */
export type TokenStore = {
  takeAll(takes: readonly PointsTake[]): Promise<Verdict>
  /** Undefined: full. */
  level(rule: BucketRule, key: string): Promise<Level | undefined>
  /** Takes up to `points`, and says what is left. */
  drain(take: PointsTake): Promise<Level | undefined>
  delete(rule: BucketRule, key: string): Promise<void>
}

/** Runs `step` on the store's TATs as one atomic step, at the store's `now` in µs. */
type RunOnTats = <T>(step: (tats: Tats, now: number) => T) => Promise<T>

/** Buckets on a store that runs steps in this process. */
export const tokensOn = (run: RunOnTats): TokenStore => ({
  takeAll: async (takes) => run((tats, now) => takeAll(tats, now, takes)),
  level: async (rule, key) => run((tats, now) => levelOf(tats, now, rule, key)),
  drain: async (take) =>
    run((tats, now) => {
      drain(tats, now, take)
      return levelOf(tats, now, take.rule, take.key)
    }),
  delete: async (rule, key) => run((tats) => tats.delete(bucketKey(rule, key))),
})

const refuse = (): Promise<never> => Promise.reject(new Error('a token bucket refills by time alone'))

/**
 * A true token bucket that speaks rate-limiter-flexible's API, so that its wrappers take it: `consume` resolves with a
 * RateLimiterRes, or rejects with one when refused (an Error: wrong numbers or a store out of order).
 * What would mint or lock (reward, set, block) is refused.
 */
export class TokenBucket extends RateLimiterCompatibleAbstract {
  override readonly keyPrefix: string
  override readonly blockDuration = 0
  override readonly execEvenly = false
  readonly rule: BucketRule
  readonly #store: TokenStore

  constructor(rule: BucketRule, store: TokenStore) {
    super()
    this.rule = rule
    this.keyPrefix = rule.name
    this.#store = store
  }

  /** Takes `points` or nothing. Of a rejected RateLimiterRes, `msBeforeNext` is exact. */
  override async consume(key: string | number, points = 1): Promise<RateLimiterRes> {
    return TokenBucket.consumeAll([{ bucket: this, key: String(key), points }])
  }

  /** One atomic step over several buckets of one store: all or none. The answer is that of the emptiest. */
  static async consumeAll(
    parts: readonly { bucket: TokenBucket; key: string; points: number }[],
  ): Promise<RateLimiterRes> {
    const [first] = parts
    if (!first) throw new RangeError('nothing to take')
    const store = first.bucket.#store
    if (parts.some((part) => part.bucket.#store !== store)) throw new RangeError('buckets of one store only')
    const takes = parts.map(({ bucket, key, points }) => ({ rule: bucket.rule, key, points }))
    const verdict = await store.takeAll(takes)
    if (!verdict.ok) throw refusal(verdict, takes)
    return new RateLimiterRes(verdict.remaining, 0, first.points, false)
  }

  override async get(key: string | number): Promise<RateLimiterRes | null> {
    const level = await this.#store.level(this.rule, String(key))
    return level ? this.#res(level) : null
  }

  override async delete(key: string | number): Promise<boolean> {
    const known = (await this.#store.level(this.rule, String(key))) !== undefined
    await this.#store.delete(this.rule, String(key))
    return known
  }

  /** Takes what is there, up to `points`: a penalty empties a bucket but leaves no debt. */
  override async penalty(key: string | number, points = 1): Promise<RateLimiterRes> {
    const level = await this.#store.drain({ rule: this.rule, key: String(key), points })
    return this.#res(level ?? { remaining: this.rule.burst, waitMs: 0 })
  }

  override readonly reward: RateLimiterCompatibleAbstract['reward'] = refuse
  override readonly set: RateLimiterCompatibleAbstract['set'] = refuse
  override readonly block: RateLimiterCompatibleAbstract['block'] = refuse

  #res({ remaining, waitMs }: Level): RateLimiterRes {
    return new RateLimiterRes(remaining, waitMs, this.rule.burst - remaining, false)
  }
}

/** The port over one store: the buckets of a take are TokenBuckets, taken together. */
export function tokenBuckets(store: TokenStore): Buckets {
  const known = new Map<string, TokenBucket>()
  const bucketOf = (rule: BucketRule): TokenBucket => {
    const id = `${rule.name}/${rule.burst}/${rule.perMinute}`
    const bucket = known.get(id) ?? new TokenBucket(rule, store)
    known.set(id, bucket)
    return bucket
  }
  return {
    async take(takes) {
      const parts = takes.map(({ rule, key }) => ({ bucket: bucketOf(rule), key, points: 1 }))
      try {
        const { remainingPoints } = await TokenBucket.consumeAll(parts)
        return { ok: true, remaining: remainingPoints }
      } catch (refused) {
        if (!(refused instanceof Refusal)) throw refused
        return { ok: false, retryAfterMs: refused.msBeforeNext, bucket: refused.bucket }
      }
    },
    async peek(takes) {
      const levels = await Promise.all(
        takes.map(async ({ rule, key }) => {
          const { remaining, waitMs } = (await store.level(rule, key)) ?? { remaining: rule.burst, waitMs: 0 }
          return { remaining: Math.max(0, remaining - 1), waitMs, bucket: rule.name }
        }),
      )
      const late = levels.reduce((worst, next) => (next.waitMs > worst.waitMs ? next : worst))
      if (late.waitMs > 0) return { ok: false, retryAfterMs: late.waitMs, bucket: late.bucket }
      return { ok: true, remaining: Math.min(...levels.map(({ remaining }) => remaining)) }
    },
  }
}

/** The library's refusal, which also knows which bucket refused. */
class Refusal extends RateLimiterRes {
  readonly bucket: string

  constructor(bucket: string, remaining: number, waitMs: number, consumed: number) {
    super(remaining, waitMs, consumed, false)
    this.bucket = bucket
  }
}

function refusal(verdict: Verdict & { ok: false }, takes: readonly PointsTake[]): Refusal {
  const rule = takes.find((take) => take.rule.name === verdict.bucket)?.rule
  return new Refusal(verdict.bucket, verdict.remaining, verdict.waitMs, (rule?.burst ?? 0) - verdict.remaining)
}
