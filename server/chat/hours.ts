/** Minutes after local midnight, 0 <= from < to <= 1440. */
export type Interval = { from: number; to: number }

/** `week[0]` is Sunday. `exceptions` replace a day: by 'YYYY-MM-DD', or by 'MM-DD' for every year. */
export type OpeningHours = {
  timeZone: string
  week: readonly (readonly Interval[])[]
  exceptions: ReadonlyMap<string, readonly Interval[]>
}

/** A wall-clock moment in the shop's zone; `noon` is the epoch ms of about noon that day. */
export type Moment = { daysAhead: number; minute: number; noon: number }

/** Without `until` it stays open, without `next` it stays closed, for as far as we look (a month). */
export type Openness = { open: true; until?: Moment } | { open: false; next?: Moment }

const DAY_MINUTES = 1440
export const DAY_MS = 86_400_000
const HORIZON_DAYS = 31

/** Whether the shop is open at `now` (epoch ms), and until when or when next, by the clock on its wall. */
export function openness(hours: OpeningHours, now: number): Openness {
  const { minute, noon } = localTime(hours.timeZone, now)
  const span = firstAfter(spansFrom(hours, noon), minute)
  if (!span) return { open: false }
  if (span.from > minute) return { open: false, next: moment(span.from, noon) }
  const endless = span.to >= HORIZON_DAYS * DAY_MINUTES
  return endless ? { open: true } : { open: true, until: moment(span.to, noon) }
}

function firstAfter(spans: Iterable<Interval>, minute: number): Interval | undefined {
  for (const span of spans) if (span.to > minute) return span
  return undefined
}

// Opening spans in minutes after today's midnight, joined where one touches the next (24:00 and 00:00). One by one,
// because each day costs a look at the calendar and the first span is mostly today's or tomorrow's.
function* spansFrom(hours: OpeningHours, noon: number): Generator<Interval> {
  let last: Interval | undefined
  const format = dayFormat(hours.timeZone)
  for (let day = 0; day < HORIZON_DAYS; day++) {
    // From one noon to the next, 24 hours always land on the next date, also where clocks change.
    for (const { from, to } of intervalsOn(hours, localDay(format, noon + day * DAY_MS))) {
      const start = day * DAY_MINUTES + from
      const end = day * DAY_MINUTES + to
      if (last?.to === start) last = { from: last.from, to: end }
      else {
        if (last) yield last
        last = { from: start, to: end }
      }
    }
  }
  if (last) yield last
}

function intervalsOn(hours: OpeningHours, day: LocalDay): readonly Interval[] {
  const exception = hours.exceptions.get(day.date) ?? hours.exceptions.get(day.date.slice(5))
  return exception ?? hours.week[day.weekday] ?? []
}

const moment = (minutes: number, noon: number): Moment => {
  const daysAhead = Math.floor(minutes / DAY_MINUTES)
  return { daysAhead, minute: minutes % DAY_MINUTES, noon: noon + daysAhead * DAY_MS }
}

type LocalDay = { date: string; weekday: number }
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** Local minutes after midnight, and the epoch ms of about noon on the same local day. */
export function localTime(timeZone: string, now: number): { minute: number; noon: number } {
  const format = dateFormat('en-US', { timeZone, hourCycle: 'h23', hour: 'numeric', minute: 'numeric' })
  const parts = partsOf(format, now)
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
  return { minute, noon: now + (DAY_MINUTES / 2 - minute) * 60_000 }
}

const dayFormat = (timeZone: string) =>
  dateFormat('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit', weekday: 'short' })

function localDay(format: Intl.DateTimeFormat, at: number): LocalDay {
  const parts = partsOf(format, at)
  const date = `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`
  return { date, weekday: WEEKDAYS.indexOf(parts.get('weekday') ?? '') }
}

const partsOf = (format: Intl.DateTimeFormat, at: number) =>
  new Map<string, string>(format.formatToParts(at).map(({ type, value }) => [type, value]))

const formats = new Map<string, Intl.DateTimeFormat>()

/** A format made once for its options: making one costs more than a hundred uses. */
export function dateFormat(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${JSON.stringify(options)}`
  const known = formats.get(key)
  if (known) return known
  const format = new Intl.DateTimeFormat(locale, options)
  formats.set(key, format)
  return format
}
