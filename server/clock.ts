import { randomPool } from './random-pool.ts'

/** Time as an argument: `now` is epoch ms and may jump, `monotonic` is ms from an arbitrary start and may not. */
export type Clock = {
  now(): number
  monotonic(): number
  /** Runs `fn` once after `ms`; the returned function cancels it. Pending timers don't keep the process alive. */
  after(ms: number, fn: () => void): () => void
}

/** Chance as an argument: `float` in [0, 1), `token` is `bytes` random bytes in base64url. */
export type Random = { float(): number; token(bytes: number): string }

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

const freshBytes = randomPool()

export const systemRandom: Random = {
  float: () => Math.random(),
  token: (bytes) => Buffer.from(freshBytes(bytes).buffer).toString('base64url'),
}
