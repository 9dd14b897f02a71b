import type { Clock, Random } from '../clock.ts'
import { leavable } from './leavable.ts'
import type { Model, ModelEvent, ModelFailure, ModelRequest } from './port.ts'

/**
 * `attempts` in all; backoff doubles from 500 ms up to `maxDelayMs`, with full jitter; no attempt starts later than
 * `patienceMs` after the question. `mayRetry` is asked before each retry: whether anybody still waits, and whether there is
 * money for another call after one that may have been billed. Without it only what was free is tried again.
 */
export type RetryOptions = {
  attempts: number
  maxDelayMs: number
  patienceMs: number
  clock: Clock
  random: Random
  mayRetry?(failure: ModelFailure): Promise<boolean>
}

const FIRST_DELAY_MS = 500

/** The same model, tried again on retryable failures while no text has come. Keeps the port's contract. */
export function withRetry(model: Model, options: RetryOptions): Model {
  return { answer: (request, signal) => leavable((inner) => tries(model, options, request, inner), signal) }
}

async function* tries(
  model: Model,
  options: RetryOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  const start = options.clock.monotonic()
  for (let attempt = 1; ; attempt += 1) {
    let begun = false
    let failure: Failure | undefined
    // In this generator rather than in one of its own, which each token would have to pass.
    for await (const event of model.answer(request, signal)) {
      if (event.type === 'failure' && event.failure.retryable && !begun) {
        failure = event
        break
      }
      begun ||= event.type === 'text'
      yield event
    }
    if (!failure) return
    const spent = options.clock.monotonic() - start
    const delay = attempt < options.attempts ? delayBefore(attempt, failure.failure, options, spent) : undefined
    if (delay === undefined) return yield failure
    if (!(await pause(options.clock, delay, signal))) return yield stopped(failure.failure.billing)
    if (!(await granted(options, failure.failure))) return yield failure
    if (signal.aborted) return yield stopped('unknown')
  }
}

type Failure = Extract<ModelEvent, { type: 'failure' }>

/** Milliseconds to wait before the next attempt, or undefined when it would start too late. */
function delayBefore(
  attempt: number,
  { retryAfterMs = 0 }: ModelFailure,
  { maxDelayMs, patienceMs, random }: RetryOptions,
  spentMs: number,
): number | undefined {
  const ceiling = Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** (attempt - 1))
  const delay = retryAfterMs + random.float() * ceiling
  return spentMs + delay <= patienceMs ? delay : undefined
}

/** True after `ms`, false as soon as `signal` is aborted. */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const onAbort = () => {
      off()
      resolve(false)
    }
    const off = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort)
      resolve(true)
    })
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

async function granted(options: RetryOptions, failure: ModelFailure): Promise<boolean> {
  if (!options.mayRetry) return failure.billing === 'free'
  try {
    return await options.mayRetry(failure)
  } catch {
    return false
  }
}

// `billing` is that of the hold in force: one that a free failure left untouched has cost nothing.
const stopped = (billing: ModelFailure['billing']): ModelEvent => ({
  type: 'failure',
  failure: { kind: 'aborted', billing, retryable: false },
})
