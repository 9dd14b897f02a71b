import type { ErrorCode } from '../../protocol/messages.ts'
import type { Log } from '../log.ts'
import type { Buckets, BucketTake, ProofOfWork, Taken } from '../quota/port.ts'
import { watched } from './trouble.ts'

/** What limits know of who asks: the buckets to take from, and the key of the address. */
export type AskContext = {
  takes: readonly BucketTake[]
  addressKey: string
  networks?: readonly { key: string; scale: number }[]
  /** Names the connection in the log. */
  c?: string
}

/**
 * `remaining` is there when the buckets had admitted it: an answer without the model is then paid for.
 * `challenge` comes with proof_required.
 */
export type Refused = {
  ok: false
  code: ErrorCode
  retryAfterMs?: number
  cause?: string
  remaining?: number
  challenge?: string
}

export type Gate = {
  /** What is still to be done before the buckets; undefined: nothing. `since` is that of the wallet's ReserveRequest. */
  prove(who: AskContext, since: number | undefined, proof: string | undefined): Promise<Refused | undefined>
  take(who: AskContext): Promise<{ ok: true; remaining: number } | Refused>
}
export type GateParts = { buckets: Buckets; proofs?: ProofOfWork; log: Log }

/** What a question passes before it costs anything. Never rejects: a store out of order is a refusal. */
export function createGate({ buckets, proofs, log }: GateParts): Gate {
  const watch = watched(log, 'buckets_unavailable')
  const attempt = <T>(call: () => Promise<T>): Promise<T | undefined> => watch(call).catch(() => undefined)
  const challenge = async (work: ProofOfWork, who: AskContext): Promise<Refused> => {
    const taken = await attempt(() => buckets.take(who.takes.map(challengeTake)))
    if (!taken?.ok) return outOf(taken)
    const text = await attempt(() => work.challenge(who.addressKey))
    return text === undefined ? outOf(undefined) : refusal('proof_required', { challenge: text })
  }
  return {
    async prove(who, since, proof) {
      if (!proofs?.wanted(since)) return undefined
      // Nobody works for a question that is too early anyway, nor spends a proof on it.
      const possible = await attempt(() => buckets.peek(who.takes))
      if (!possible?.ok) return outOf(possible)
      if (proof === undefined) return challenge(proofs, who)
      const redeemed = await attempt(() => proofs.redeem(proof, who.addressKey))
      if (redeemed === undefined) return outOf(undefined)
      return redeemed ? undefined : challenge(proofs, who)
    },
    async take(who) {
      const taken = await attempt(() => buckets.take(who.takes))
      return taken?.ok ? taken : outOf(taken)
    },
  }
}

export const refusal = (code: ErrorCode, more: Omit<Refused, 'ok' | 'code'>): Refused => ({ ok: false, code, ...more })

// A refusal takes no token of a question's, and yet nobody gets challenges without end.
const challengeTake = ({ rule, key }: BucketTake): BucketTake => ({
  rule: { ...rule, name: `proof-${rule.name}` },
  key,
})

/** No tokens, or (undefined) no store. */
const outOf = (taken: (Taken & { ok: false }) | undefined): Refused =>
  taken
    ? refusal('rate_limited', { cause: taken.bucket, retryAfterMs: taken.retryAfterMs })
    : refusal('overloaded', { cause: 'store' })
