/** Numbers and times as the status page says them. */
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

export const number = (n: number): string => whole.format(n)

/** 840 ms, 1.25 s; a dash where there was nothing to time. */
export function duration(ms: number | null): string {
  if (ms === null) return '–'
  if (ms === 0) return '0 ms'
  if (ms < 1) return `${ms.toFixed(1)} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`
}

/** Two decimals, four or six where fewer would say nothing. */
export function money(amount: number, currency: string): string {
  const digits = amount === 0 || amount >= 0.1 ? 2 : amount >= 0.001 ? 4 : 6
  return `${amount.toFixed(digits)}${currency === '' ? '' : `\u00a0${currency}`}`
}

export const percent = (part: number, all: number): string =>
  all > 0 ? `${Math.round((100 * part) / all)}\u00a0%` : '–'

export const megabytes = (bytes: number): string => `${Math.round(bytes / 1_000_000)} MB`

/** 3 d 4 h, 4 h 12 min, 12 min. */
export function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24]
  if (days > 0) return `${days} d ${hours} h`
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`
}

/** Epoch ms -> 14:05:09, or with the day. */
export function clockTime(timeZone: string): { time(at: number): string; moment(at: number): string } {
  const time = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'medium' })
  const moment = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
  return { time: (at) => time.format(at), moment: (at) => moment.format(at) }
}
