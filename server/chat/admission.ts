import type { ErrorCode } from '../../protocol/messages.ts'
import type { Log } from '../log.ts'
import type { ModelRequest } from '../model/port.ts'
import type { Buckets, BucketTake, Hold, Wallet, WalletCause } from '../quota/port.ts'
import type { Slot, Streams } from './streams.ts'

/** What limits know of who asks: the buckets to take from, and the key of the address. */
export type AskContext = { takes: readonly BucketTake[]; addressKey: string }

export type Admitted = { ok: true; request: ModelRequest; slot: Slot; hold: Hold; remaining: number }
/** `remaining` is there when the buckets had admitted it: an answer without the model is then paid for. */
export type Refused = { ok: false; code: ErrorCode; retryAfterMs?: number; cause?: string; remaining?: number }
export type Admission = {
  /** In this order: a stream's place, the buckets, the wallet. Never rejects; a refusal costs nothing but a bucket token. */
  admit(who: AskContext, compose: () => ModelRequest, since: number | undefined): Promise<Admitted | Refused>
  /** Another hold for another attempt at the same request. */
  reserve(who: AskContext, request: ModelRequest, since: number | undefined): Promise<Hold | undefined>
}
export type AdmissionParts = { streams: Streams; buckets: Buckets; wallet: Wallet; log: Log }

const encoder = new TextEncoder()
const bytesOf = (request: ModelRequest) =>
  request.turns.reduce((sum, turn) => sum + encoder.encode(turn.text).length, encoder.encode(request.system).length)

export function createAdmission({ streams, buckets, wallet, log }: AdmissionParts): Admission {
  const reserve = (who: AskContext, request: ModelRequest, since: number | undefined) =>
    wallet.reserve({
      addressKey: who.addressKey,
      promptBytes: bytesOf(request),
      messages: request.turns.length + 1,
      maxOutputTokens: request.maxOutputTokens,
      since,
    })
  const takeToken = async (who: AskContext) => {
    try {
      return await buckets.take(who.takes)
    } catch {
      log.warn('buckets_unavailable')
      return undefined
    }
  }
  const passBuckets = async (who: AskContext, compose: () => ModelRequest, since: number | undefined, slot: Slot) => {
    const taken = await takeToken(who)
    if (!taken) return refusal('overloaded', { cause: 'store' })
    if (!taken.ok) return refusal('rate_limited', { cause: taken.bucket, retryAfterMs: taken.retryAfterMs })
    const request = compose()
    const reserved = await reserve(who, request, since)
    if (!reserved.ok) {
      const waited = reserved.retryAfterMs === undefined ? {} : { retryAfterMs: reserved.retryAfterMs }
      return refusal(walletCode(reserved.cause), { cause: reserved.cause, remaining: taken.remaining, ...waited })
    }
    return { ok: true as const, request, slot, hold: reserved.hold, remaining: taken.remaining }
  }
  return {
    async admit(who, compose, since) {
      const slot = streams.open(who.addressKey)
      if (!slot) return refusal('overloaded', { cause: 'streams', retryAfterMs: 5000 })
      const result = await passBuckets(who, compose, since, slot)
      if (!result.ok) slot.close()
      return result
    },
    async reserve(who, request, since) {
      const reserved = await reserve(who, request, since)
      return reserved.ok ? reserved.hold : undefined
    },
  }
}

const refusal = (code: ErrorCode, more: Omit<Refused, 'ok' | 'code'>): Refused => ({ ok: false, code, ...more })

const walletCode = (cause: WalletCause): ErrorCode =>
  cause === 'store' ? 'overloaded' : cause === 'too_large' ? 'too_long' : 'budget_exhausted'
