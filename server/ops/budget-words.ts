import type { Refusal, RefusedBy } from './refusals.ts'

const NANO = 1_000_000_000

/** Nano-currency as an amount with four decimals, two when they say it all. */
export function amount(nano: number): string {
  const text = (nano / NANO).toFixed(4)
  return text.endsWith('00') ? text.slice(0, -2) : text
}

export const percent = (part: number, whole: number): string =>
  whole > 0 ? `${Math.round((100 * part) / whole)} %` : '–'

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`

/** Epoch ms as 2026-11-24 14:05 in a time zone. */
export function moment(at: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
  return format.format(at)
}

const HALTS = new Map([
  ['overrun', 'an answer was billed more than its question had set aside'],
  ['clock', 'the clock of the machine jumped'],
  ['restored', 'the database is an older one that was put back, and what was spent since is not in it'],
  ['failover', 'a replica of Redis took over, and what was spent just before may not be in it'],
])

/** Why admission was halted, as a sentence's end. */
export const haltReason = (cause: string): string => HALTS.get(cause) ?? cause

const REFUSALS: Record<RefusedBy, string> = {
  wallet: 'budget',
  buckets: 'too many questions',
  proof: 'proof of work',
  load: 'load',
  message: 'message',
  upgrade: 'connection',
}

const CAUSES = new Map([
  ['day', 'the day was spent'],
  ['month', 'the month was spent'],
  ['pace', 'more was not released yet'],
  ['share', 'the address had its share'],
  ['newcomers', 'kept for visitors who were there before'],
  ['too_large', 'larger than a whole day'],
  ['halted', 'halted'],
  ['connection', 'from one connection'],
  ['asks', 'from one address'],
  ['proof-connection', 'challenges for one connection'],
  ['proof-asks', 'challenges for one address'],
  ['proof_required', 'asked for'],
  ['streams', 'too many answers at once'],
  ['store', 'the store was out of order'],
  ['upgrades', 'too many from one address in a minute'],
  ['connections_per_address', 'too many of one address at once'],
  ['full', 'the server was full'],
  ['draining', 'the server was about to stop'],
  ['origin', 'from a site that is not allowed'],
])

/** Who refused, and why: `budget: the day was spent`. */
export const refusalReason = ({ by, cause }: Pick<Refusal, 'by' | 'cause'>): string =>
  `${REFUSALS[by]}: ${CAUSES.get(cause) ?? cause.replaceAll('_', ' ')}`
