import type { ModelUsage } from '../model/port.ts'

/** A token bucket: at most `burst` at once, refilled at `perMinute`; `name` keeps kinds of buckets apart. */
export type BucketRule = { name: string; burst: number; perMinute: number }
export type BucketTake = { rule: BucketRule; key: string }
/** `remaining`: whole takes left in the emptiest bucket; `retryAfterMs`: exact, after it the same take succeeds. */
export type Taken = { ok: true; remaining: number } | { ok: false; retryAfterMs: number; bucket: string }

export type Buckets = {
  /** One token from every bucket, or from none: a refusal changes nothing. Rejects only when the store is out of order. */
  take(takes: readonly BucketTake[]): Promise<Taken>
  /** What `take` would say now; takes nothing. */
  peek(takes: readonly BucketTake[]): Promise<Taken>
}

/** Why the wallet refused; `retryAfterMs` when waiting helps. */
export type WalletCause = 'day' | 'month' | 'share' | 'pace' | 'newcomers' | 'too_large' | 'halted' | 'store'
/** `safe`: whether the hold survives a power cut, where that isn't known yet; before, nothing may be asked of the model. */
export type Reservation =
  | { ok: true; hold: Hold; safe?: Promise<boolean> }
  | { ok: false; cause: WalletCause; retryAfterMs?: number }

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
  /** The IPv6 networks around it, which may do `scale` times as much as one address. */
  networks?: readonly { key: string; scale: number }[]
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
  /** Whether there is a rush, since when (epoch ms): who came later is a newcomer. From memory, so cheap. */
  rush(): { since: number } | undefined
  /** Tells the store what is left to tell; to be called before it is closed. */
  close(): Promise<void>
}

/** A secret that all processes on a store share, made at the first call. Rejects when the store is out of order. */
export type Secrets = { secret(name: string): Promise<Uint8Array> }

/** Work that is asked of visitors under pressure. Challenges and proofs are opaque texts; both are for one address. */
export type ProofOfWork = {
  /** Whether a question of a session that is there `since` then (as in ReserveRequest) needs a proof. */
  wanted(since: number | undefined): boolean
  /** A new piece of work, to be done within two minutes. Rejects when the store is out of order. */
  challenge(addressKey: string): Promise<string>
  /** True once per solved challenge; false for any other text. Rejects when the store is out of order. */
  redeem(proof: string, addressKey: string): Promise<boolean>
}
