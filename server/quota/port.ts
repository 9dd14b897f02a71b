import type { ModelUsage } from '../model/port.ts'

/** A token bucket: at most `burst` at once, refilled at `perMinute`; `name` keeps kinds of buckets apart. */
export type BucketRule = { name: string; burst: number; perMinute: number }
export type BucketTake = { rule: BucketRule; key: string }
/** `remaining`: whole takes left in the emptiest bucket; `retryAfterMs`: exact, after it the same take succeeds. */
export type Taken = { ok: true; remaining: number } | { ok: false; retryAfterMs: number; bucket: string }

export type Buckets = {
  /** One token from every bucket, or from none: a refusal changes nothing. Rejects only when the store is out of order. */
  take(takes: readonly BucketTake[]): Promise<Taken>
}

/** Why the wallet refused; `retryAfterMs` when waiting helps. */
export type WalletCause = 'day' | 'month' | 'share' | 'pace' | 'too_large' | 'halted' | 'store'
export type Reservation = { ok: true; hold: Hold } | { ok: false; cause: WalletCause; retryAfterMs?: number }

/** What a call turned out to cost: known usage, nothing at all, or not known (the hold then stays as spent). */
export type Outcome = { kind: 'usage'; usage: ModelUsage } | { kind: 'free' } | { kind: 'unknown' }

/** Money set aside for one upstream call. Both calls are idempotent, never reject, and log their own troubles. */
export type Hold = {
  readonly id: string
  /** Shrinks the hold to the exact prompt plus the output cap; once, at the first reported usage. */
  tighten(promptTokens: number): Promise<void>
  settle(outcome: Outcome): Promise<void>
}

/**
 * `promptBytes`: UTF-8 bytes of everything sent; `messages`: how many parts that is in; `since`: when the session's first
 * kept question was admitted (epoch ms), undefined for a new session.
 */
export type ReserveRequest = {
  addressKey: string
  promptBytes: number
  messages: number
  maxOutputTokens: number
  since: number | undefined
}

/** What the day has left, in nano-currency. */
export type WalletState = { day: string; spentNano: number; heldNano: number; capNano: number; halted: boolean }

export type Wallet = {
  /** Never rejects: a store in trouble is a refusal. */
  reserve(request: ReserveRequest): Promise<Reservation>
  state(): Promise<WalletState | undefined>
}
