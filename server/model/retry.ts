import type { Clock, Random } from '../clock.ts'
import type { Model, ModelEvent, ModelFailure } from './port.ts'

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
  return {
    answer: (request, signal) => ({
      [Symbol.asyncIterator]: () => new Tries(options, () => model.answer(request, signal), signal),
    }),
  }
}

type Step = IteratorResult<ModelEvent, undefined>
const OVER: Step = { done: true, value: undefined }

/** By hand: once an attempt's text has come its steps are handed on as they are, and cost a token nothing here. */
class Tries implements AsyncIterator<ModelEvent, undefined> {
  private events: AsyncIterator<ModelEvent> | undefined
  private attempts = 1
  private startedAt = 0
  private begun = false
  private over = false
  private wake = () => {}

  constructor(
    private readonly options: RetryOptions,
    private readonly answer: () => AsyncIterable<ModelEvent>,
    private readonly signal: AbortSignal,
  ) {}

  next(): Promise<Step> {
    if (this.over) return Promise.resolve(OVER)
    return this.begun && this.events ? this.events.next() : this.untilText()
  }

  async return(): Promise<Step> {
    this.over = true
    this.wake()
    await this.events?.return?.()
    return OVER
  }

  private async untilText(): Promise<Step> {
    if (!this.events) {
      this.startedAt = this.options.clock.monotonic()
      this.events = this.answer()[Symbol.asyncIterator]()
    }
    for (;;) {
      const step = await this.events.next()
      if (step.done || step.value.type !== 'failure' || !step.value.failure.retryable) {
        this.begun = step.value?.type === 'text'
        return step
      }
      await this.events.return?.()
      const last = await this.beforeAnother(step.value)
      if (last) {
        this.over = true
        return { done: false, value: last }
      }
      this.attempts += 1
      this.events = this.answer()[Symbol.asyncIterator]()
    }
  }

  /** Waits for the next attempt's time. An event: there is none, and that is the end. */
  private async beforeAnother(failed: Failure): Promise<ModelEvent | undefined> {
    const { options } = this
    const { failure } = failed
    const spent = options.clock.monotonic() - this.startedAt
    const delay = this.attempts < options.attempts ? delayBefore(this.attempts, failure, options, spent) : undefined
    if (delay === undefined) return failed
    if (this.over || !(await this.pause(delay))) return stopped(failure.billing)
    if (!(await granted(options, failure))) return failed
    return this.over || this.signal.aborted ? stopped('unknown') : undefined
  }

  /** True after `ms`, false as soon as the signal is aborted or the reader has left. */
  private pause(ms: number): Promise<boolean> {
    const { signal, options } = this
    if (signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const end = (waited: boolean) => {
        off()
        signal.removeEventListener('abort', this.wake)
        resolve(waited)
      }
      const off = options.clock.after(ms, () => end(true))
      this.wake = () => end(false)
      signal.addEventListener('abort', this.wake, { once: true })
    })
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
