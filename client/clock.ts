/** Time as an argument: `monotonic` is milliseconds from an arbitrary start; what `after` returns cancels it. */
export type Clock = { monotonic(): number; after(ms: number, fn: () => void): () => void }

export const browserClock: Clock = {
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}
