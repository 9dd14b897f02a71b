import type { Clock } from '../clock.ts'

/** Counts what happened in the last 60 s, to the second. */
export type Rate = { count(): void; perMinute(): number }

export function createRate(clock: Clock): Rate {
  const seconds = new Map<number, number>()
  const nowSecond = () => Math.floor(clock.monotonic() / 1000)
  const expire = () => {
    const oldest = nowSecond() - 59
    for (const second of seconds.keys()) {
      if (second >= oldest) break
      seconds.delete(second)
    }
  }
  return {
    count() {
      expire()
      seconds.set(nowSecond(), (seconds.get(nowSecond()) ?? 0) + 1)
    },
    perMinute() {
      expire()
      return [...seconds.values()].reduce((sum, n) => sum + n, 0)
    },
  }
}
