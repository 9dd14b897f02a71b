/**
 * A local day and its month: `day` as YYYY-MM-DD, `month` as YYYY-MM, `daysLeft` in the month counting this one;
 * `startsAt` and `endsAt` are epoch ms, 23 to 25 hours apart where clocks change.
 */
export type Window = { day: string; month: string; daysLeft: number; startsAt: number; endsAt: number }

const HOUR_MS = 3_600_000

export function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== undefined
  } catch {
    return false
  }
}

/** The window of any instant in `timeZone`, an IANA name (RangeError when it isn't); remembers the last day. */
export function windows(timeZone: string): (now: number) => Window {
  const dayOf = dayFormat(timeZone)
  let last: Window | undefined
  return (now) => {
    if (!last || now < last.startsAt || now >= last.endsAt) last = windowOf(now, dayOf)
    return last
  }
}

/** Noon in UTC of a day named YYYY-MM-DD, in epoch ms; undefined when there is no such day. */
export function dayNamed(day: string): number | undefined {
  const noon = Date.parse(`${day}T12:00:00Z`)
  return Number.isNaN(noon) || new Date(noon).toISOString().slice(0, 10) !== day ? undefined : noon
}

/** The window of a day by its name; undefined: the zone never had that day. */
export function windowNamed(day: string, windowAt: (now: number) => Window): Window | undefined {
  const noon = dayNamed(day) ?? 0
  // No zone is further than 14 hours away.
  return [0, -12, 12].map((hours) => windowAt(noon + hours * HOUR_MS)).find((window) => window.day === day)
}

/** How much of the window is over, in [0, 1]. */
export const elapsedOf = ({ startsAt, endsAt }: Window, now: number): number =>
  Math.min(1, Math.max(0, (now - startsAt) / (endsAt - startsAt)))

function named(day: string): Pick<Window, 'day' | 'month' | 'daysLeft'> {
  const [year = 0, monthNumber = 0, date = 0] = day.split('-').map(Number)
  const daysInMonth = new Date(Date.UTC(year, monthNumber, 0)).getUTCDate()
  return { day, month: day.slice(0, 7), daysLeft: daysInMonth - date + 1 }
}

function windowOf(now: number, dayOf: (ms: number) => string): Window {
  const day = dayOf(now)
  // Midnight can be missing or come at odd offsets, so it is searched for: the first instant with that day's name.
  const startsAt = firstAfter(now - 26 * HOUR_MS, now, (ms) => dayOf(ms) >= day)
  const endsAt = firstAfter(now, now + 26 * HOUR_MS, (ms) => dayOf(ms) > day)
  return { ...named(day), startsAt, endsAt }
}

/** The first whole ms in (low, high] that passes, where once it passes it always does; `high` does. */
function firstAfter(low: number, high: number, passes: (ms: number) => boolean): number {
  let [before, after] = [Math.floor(low), Math.ceil(high)]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (passes(middle)) after = middle
    else before = middle
  }
  return after
}

function dayFormat(timeZone: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  })
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]))
    return `${parts.get('year')?.padStart(4, '0')}-${parts.get('month')}-${parts.get('day')}`
  }
}
