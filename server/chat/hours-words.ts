import type { Interval, Moment, OpeningHours } from './hours.ts'
import { DAY_MS, dateFormat, localTime, openness } from './hours.ts'
import type { Lang } from './sentences.ts'

/** Today's date in the shop's zone, in words: "mardi 6 janvier 2026". */
export function dateWords(timeZone: string, now: number, lang: Lang): string {
  return inWords(lang, { timeZone, weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }, now)
}

/** The time of day in the shop's zone, in words: "9 h 30". */
export function timeWords(timeZone: string, now: number, lang: Lang): string {
  return minuteWords(localTime(timeZone, now).minute, lang)
}

/** One sentence on whether the shop is open at `now`, and until when or when next. */
export function openWords(hours: OpeningHours, now: number, lang: Lang): string {
  const state = openness(hours, now)
  const words = phrases[lang]
  if (state.open) return state.until ? words.until(whenWords(state.until, hours.timeZone, lang, 'until')) : words.open
  return state.next ? words.next(whenWords(state.next, hours.timeZone, lang, 'next')) : words.closed
}

/** The usual week on one line, days of equal hours grouped: "mardi – vendredi : 9 h 30 – 12 h 30 ; …". */
export function weekWords(hours: OpeningHours, lang: Lang): string {
  const groups: { first: number; last: number; times: string }[] = []
  for (const weekday of [1, 2, 3, 4, 5, 6, 0]) {
    const times = dayTimes(hours.week[weekday] ?? [], lang)
    const group = groups.at(-1)
    if (group?.times === times) group.last = weekday
    else groups.push({ first: weekday, last: weekday, times })
  }
  const days = ({ first, last }: { first: number; last: number }) =>
    first === last ? weekdayWords(first, lang) : `${weekdayWords(first, lang)} – ${weekdayWords(last, lang)}`
  return groups.map((group) => `${days(group)}${phrases[lang].colon}${group.times}`).join(phrases[lang].semicolon)
}

const dayTimes = (intervals: readonly Interval[], lang: Lang) =>
  intervals.map(({ from, to }) => `${minuteWords(from, lang)} – ${minuteWords(to, lang)}`).join(', ') ||
  phrases[lang].shut

// The epoch began on a Thursday.
const weekdayWords = (weekday: number, lang: Lang) =>
  inWords(lang, { timeZone: 'UTC', weekday: 'long' }, (weekday + 3) * DAY_MS)

function inWords(lang: Lang, options: Intl.DateTimeFormatOptions, at: number): string {
  const words = dateFormat(lang === 'en' ? 'en-GB' : lang, options).format(at)
  // Engines differ on the comma of "Tuesday, 6 January 2026".
  if (lang === 'en') return words.replace(',', '')
  return lang === 'fr' ? words.replace(/(?<=^|\s)1(?=\s)/u, '1er') : words
}

function minuteWords(minute: number, lang: Lang): string {
  const hour = Math.floor(minute / 60) % 24
  const rest = minute % 60
  const two = String(rest).padStart(2, '0')
  if (hour === 0 && rest === 0) return phrases[lang].midnight
  if (lang === 'fr') return rest ? `${hour}\u00A0h\u00A0${two}` : `${hour}\u00A0h`
  if (lang === 'br') return rest ? `${hour}e${two}` : `${hour}e`
  const half = hour < 12 ? 'am' : 'pm'
  return rest ? `${hour % 12 || 12}:${two}\u00A0${half}` : `${hour % 12 || 12}\u00A0${half}`
}

function whenWords(at: Moment, timeZone: string, lang: Lang, use: 'until' | 'next'): string {
  const time = minuteWords(at.minute, lang)
  const midnight = at.minute === 0 && at.daysAhead === 1
  if (use === 'until' && (at.daysAhead === 0 || midnight)) return time
  const words = phrases[lang]
  const near = [words.today, words.tomorrow][at.daysAhead]
  if (near) return words.dayTime(near, time)
  const far = at.daysAhead > 6
  const date: Intl.DateTimeFormatOptions = { timeZone, weekday: 'long', ...(far && { day: 'numeric', month: 'long' }) }
  return words.dayTime(words.on(inWords(lang, date, at.noon)), time)
}

type Phrases = {
  open: string
  closed: string
  shut: string
  midnight: string
  today: string
  tomorrow: string
  colon: string
  semicolon: string
  until(when: string): string
  next(when: string): string
  on(day: string): string
  dayTime(day: string, time: string): string
}

const phrases: Record<Lang, Phrases> = {
  fr: {
    open: 'La boutique est ouverte en ce moment.',
    closed: 'La boutique est fermée en ce moment.',
    shut: 'fermé',
    midnight: 'minuit',
    today: 'aujourd’hui',
    tomorrow: 'demain',
    colon: '\u202F: ',
    semicolon: '\u202F; ',
    until: (when) => `La boutique est ouverte en ce moment, jusqu’à ${when}.`,
    next: (when) => `La boutique est fermée en ce moment\u202F; elle ouvre ${when}.`,
    on: (day) => day,
    dayTime: (day, time) => `${day} à ${time}`,
  },
  en: {
    open: 'The shop is open now.',
    closed: 'The shop is closed now.',
    shut: 'closed',
    midnight: 'midnight',
    today: 'today',
    tomorrow: 'tomorrow',
    colon: ': ',
    semicolon: '; ',
    until: (when) => `The shop is open now, until ${when}.`,
    next: (when) => `The shop is closed now; it opens ${when}.`,
    on: (day) => `on ${day}`,
    dayTime: (day, time) => `${day} at ${time}`,
  },
  br: {
    open: 'Digor eo ar stal bremañ.',
    closed: 'Serret eo ar stal bremañ.',
    shut: 'serret',
    midnight: 'hanternoz',
    today: 'hiziv',
    tomorrow: 'warc’hoazh',
    colon: ': ',
    semicolon: '; ',
    until: (when) => `Digor eo ar stal bremañ, betek ${when}.`,
    next: (when) => `Serret eo ar stal bremañ; digeriñ a raio ${when}.`,
    on: (day) => `d’ar ${day}`.replace('d’ar L', 'd’al L'),
    dayTime: (day, time) => `${day} da ${time}`,
  },
}
