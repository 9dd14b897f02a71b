/** One message of the conversation as the model sees it. The last one is always the visitor's. */
export type ModelTurn = { role: 'user' | 'model'; text: string }
/** `ready`: nothing is sent before it resolves, and nothing at all when it says no (failure `store`, free). */
export type ModelRequest = {
  system: string
  turns: readonly ModelTurn[]
  maxOutputTokens: number
  ready?: Promise<boolean>
}

/** Tokens as billed so far: `outputTokens` includes thoughts (total − prompt). */
export type ModelUsage = { promptTokens: number; outputTokens: number }

/** Why an attempt gave no whole answer; only our own words, never an upstream text. */
export type ModelFailureKind =
  | 'bad_request'
  | 'unauthorized'
  | 'location'
  | 'not_found'
  | 'rate_limited'
  | 'quota_exhausted'
  | 'unavailable'
  | 'upstream_error'
  | 'network'
  | 'malformed'
  | 'too_large'
  | 'store'
  | 'first_chunk_timeout'
  | 'chunk_timeout'
  | 'answer_timeout'
  | 'aborted'

/**
 * `billing`: 'free' when nothing was sent, or after a complete HTTP answer 400, 401, 403, 404, 429 or 503; else Google may
 * bill.
 * `retryable` and `retryAfterMs` (from RetryInfo) hold only while no text has come.
 */
export type ModelFailure = {
  kind: ModelFailureKind
  billing: 'free' | 'unknown'
  retryable: boolean
  retryAfterMs?: number
  status?: number
}

export type ModelEvent =
  /** Never empty, thoughts left out, well-formed UTF-16 (a trailing high surrogate waits for its half). */
  | { type: 'text'; text: string; usage?: ModelUsage }
  /** Usage without text. Cumulative, whenever upstream reports it; absent or absurd usage sends none. */
  | { type: 'usage'; usage: ModelUsage }
  /** Exactly one `end` or `failure` is the last event. `interrupted`: closed early or a reason we don't know. */
  | { type: 'end'; reason: 'complete' | 'length' | 'filtered' | 'interrupted'; usage?: ModelUsage; version?: string }
  | { type: 'failure'; failure: ModelFailure; usage?: ModelUsage }

/**
 * One attempt at one answer. Never throws and never rejects: all failures are events.
 * Aborting `signal` ends it with failure 'aborted' and closes the upstream connection, as does leaving the iterator.
 */
export type Model = { answer(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> }
