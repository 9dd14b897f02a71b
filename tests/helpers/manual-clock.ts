import type { Clock } from '../../server/clock.ts'

type Timer = { due: number; fn: () => void }

export type ManualClock = Clock & {
  /** Moves both clocks on by `ms`, running what falls due on the way, in order of due time. */
  advance(ms: number): void
  /** Moves the wall clock alone (negative: back), as an administrator or NTP would. No timer runs. */
  jump(ms: number): void
  /** How many timers wait: 0 proves that nothing leaked. */
  pending(): number
  /** Resolves once `count` timers wait (at once when they do already): to advance past a timer set later. */
  waiting(count: number): Promise<void>
}

/** A clock that stands still until it is advanced; `start` is epoch ms. */
export function manualClock(start = Date.UTC(2026, 0, 15, 10)): ManualClock {
  const timers = new Set<Timer>()
  const watchers = new Set<() => void>()
  let elapsed = 0
  let offset = start

  const next = (until: number): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) if (timer.due <= until && (!first || timer.due < first.due)) first = timer
    return first
  }

  return {
    now: () => offset + elapsed,
    monotonic: () => elapsed,
    after(ms, fn) {
      const timer = { due: elapsed + Math.max(0, ms), fn }
      timers.add(timer)
      for (const check of [...watchers]) check()
      return () => void timers.delete(timer)
    },
    advance(ms) {
      const until = elapsed + ms
      for (let timer = next(until); timer; timer = next(until)) {
        timers.delete(timer)
        elapsed = Math.max(elapsed, timer.due)
        timer.fn()
      }
      elapsed = until
    },
    jump(ms) {
      offset += ms
    },
    pending: () => timers.size,
    waiting(count) {
      return new Promise((resolve) => {
        const check = () => {
          if (timers.size < count) return
          watchers.delete(check)
          resolve()
        }
        watchers.add(check)
        check()
      })
    },
  }
}
