import type { ErrorCode } from '../../protocol/messages.ts'
import type { ModelRequest } from '../model/port.ts'
import type { Hold, Wallet, WalletCause } from '../quota/port.ts'
import { type AskContext, createGate, type GateParts, type Refused, refusal } from './gate.ts'
import type { Slot, Streams } from './streams.ts'
import { utf8Length } from './utf8.ts'

export type { AskContext, Refused } from './gate.ts'

export type Admitted = { ok: true; request: ModelRequest; slot: Slot; hold: Hold; remaining: number }
export type Admission = {
  /**
   * In this order: a stream's place, the proof where one is wanted, the buckets, the wallet. Never rejects; a refusal
   * costs nothing, the wallet's a bucket token. Challenges have buckets of their own, as wide as those of questions.
   */
  admit(
    who: AskContext,
    compose: () => ModelRequest,
    since: number | undefined,
    proof?: string,
  ): Promise<Admitted | Refused>
  /** Another hold for another attempt at the same request. */
  reserve(who: AskContext, request: ModelRequest, since: number | undefined): Promise<Hold | undefined>
}
export type AdmissionParts = GateParts & { streams: Streams; wallet: Wallet }

const bytesOf = ({ system, turns }: ModelRequest) =>
  turns.reduce((sum, { text }) => sum + utf8Length(text), utf8Length(system))

export function createAdmission({ streams, wallet, ...parts }: AdmissionParts): Admission {
  const gate = createGate(parts)
  const reserve = (who: AskContext, request: ModelRequest, since: number | undefined) =>
    wallet.reserve({
      addressKey: who.addressKey,
      ...(who.networks && { networks: who.networks }),
      promptBytes: bytesOf(request),
      messages: request.turns.length + 1,
      maxOutputTokens: request.maxOutputTokens,
      since,
    })
  const passBuckets = async (who: AskContext, compose: () => ModelRequest, since: number | undefined, slot: Slot) => {
    const taken = await gate.take(who)
    if (!taken.ok) return taken
    const request = compose()
    const reserved = await reserve(who, request, since)
    if (!reserved.ok) {
      const waited = reserved.retryAfterMs === undefined ? {} : { retryAfterMs: reserved.retryAfterMs }
      return refusal(walletCode(reserved.cause), { cause: reserved.cause, remaining: taken.remaining, ...waited })
    }
    const { hold, safe } = reserved
    const paid = safe ? { ...request, ready: safe } : request
    return { ok: true as const, request: paid, slot, hold, remaining: taken.remaining }
  }
  return {
    async admit(who, compose, since, proof) {
      const slot = streams.open(who.addressKey)
      if (!slot) return refusal('overloaded', { cause: 'streams', retryAfterMs: 5000 })
      const result = (await gate.prove(who, since, proof)) ?? (await passBuckets(who, compose, since, slot))
      if (!result.ok) slot.close()
      return result
    },
    async reserve(who, request, since) {
      const reserved = await reserve(who, request, since)
      if (!reserved.ok) return undefined
      if (await (reserved.safe ?? true)) return reserved.hold
      await reserved.hold.settle({ kind: 'free' })
      return undefined
    },
  }
}

const walletCode = (cause: WalletCause): ErrorCode =>
  cause === 'store' ? 'overloaded' : cause === 'too_large' ? 'too_long' : 'budget_exhausted'
