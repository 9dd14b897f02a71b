import type { Clock } from '../../clock.ts'

/** The latest values, at most `kept` and not older than `forMs`. */
export type Recent = {
  add(value: number): void
  /** By nearest rank, rounded to tenths; null of nothing. */
  percentile(p: number): number | null
}

export function createRecent(clock: Clock, { kept, forMs }: { kept: number; forMs: number }): Recent {
  const ring: { at: number; value: number }[] = []
  let next = 0
  return {
    add(value) {
      ring[next] = { at: clock.monotonic(), value }
      next = (next + 1) % kept
    },
    percentile(p) {
      const oldest = clock.monotonic() - forMs
      const values = ring.filter(({ at }) => at > oldest).map(({ value }) => value)
      const found = values.sort((a, b) => a - b)[Math.max(0, Math.ceil((p / 100) * values.length) - 1)]
      return found === undefined ? null : Math.round(found * 10) / 10
    },
  }
}
