import type { Window } from './windows.ts'

const DAY_MS = 86_400_000
const DAYS_PER_MONTH = 30

/**
 * Days of `seconds` (1 to 86,400) in UTC, thirty to a month, for measurements. Their names sort after the real day they
 * lie in and before the next one, so a store that saw them still moves on to real days.
 */
export function shortWindows(seconds: number): (now: number) => Window {
  const lengthMs = seconds * 1000
  return (now) => {
    const midnight = now - (now % DAY_MS)
    const index = Math.floor((now - midnight) / lengthMs)
    const startsAt = midnight + index * lengthMs
    const date = new Date(midnight).toISOString().slice(0, 10)
    const name = (n: number) => `${date}.${String(n).padStart(5, '0')}`
    return {
      day: name(index),
      month: `${name(index - (index % DAYS_PER_MONTH))}m`,
      daysLeft: DAYS_PER_MONTH - (index % DAYS_PER_MONTH),
      startsAt,
      endsAt: Math.min(startsAt + lengthMs, midnight + DAY_MS),
    }
  }
}
