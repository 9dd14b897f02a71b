// What doubles may lose on the way, which must not refuse the last one of a burst.
const ROUNDING_MS = 0.001

/** A bound without a store, for one connection: at most `burst` at once, refilled at `perSecond`. `nowMs` is monotonic. */
export function burstLimit(burst: number, perSecond: number): (nowMs: number) => boolean {
  const interval = 1000 / perSecond
  let arrival = Number.NEGATIVE_INFINITY
  return (nowMs) => {
    const next = Math.max(arrival, nowMs) + interval
    if (next - nowMs > burst * interval + ROUNDING_MS) return false
    arrival = next
    return true
  }
}
