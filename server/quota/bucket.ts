import type { BucketRule } from './port.ts'

/**
 * Token buckets as pure functions: GCRA, whose whole state is one number, the theoretical arrival time (TAT) in whole
 * microseconds. A bucket is full when its TAT is past, and empty when it lies `burst` intervals ahead.
 * Integers keep the bound exact: the interval is rounded up, so never more than burst + rate·t is admitted.
 */
export type PointsTake = { rule: BucketRule; key: string; points: number }

/** Where TATs are kept: read and written inside one atomic step. */
export type Tats = {
  get(key: string): number | undefined
  set(key: string, tat: number): void
  delete(key: string): void
}

/** `remaining` and `waitMs` are those of the emptiest bucket; `bucket` is the name of the one to wait for. */
export type Verdict = { ok: true; remaining: number } | { ok: false; waitMs: number; bucket: string; remaining: number }

export type Level = { remaining: number; waitMs: number }

const US_PER_MS = 1000
const US_PER_MINUTE = 60_000_000
const LONGEST_REFILL_US = 366 * 24 * 60 * US_PER_MINUTE

/** Whole milliseconds -> the microseconds of a TAT. A clock's fraction is dropped: waits are told in whole ms. */
export const toMicros = (ms: number): number => Math.floor(ms) * US_PER_MS

/** Joined, not concatenated: V8 then makes one flat string, less than half the memory in a map of a million. */
export const bucketKey = (rule: BucketRule, key: string): string => [rule.name, key].join(':')

/** Takes from every bucket or from none. Throws RangeError on rules or points that can't be meant. */
export function takeAll(tats: Tats, now: number, takes: readonly PointsTake[]): Verdict {
  const plans = merged(takes).map((take) => plan(tats, now, take))
  // A TAT beyond an empty bucket's (the clock was set back, the rule shrank) would lock its key: it becomes empty.
  for (const { id, start, stored } of plans) if (start < stored) tats.set(id, start)
  const late = plans.reduce((worst, next) => (next.waitUs > worst.waitUs ? next : worst))
  const remaining = Math.min(...plans.map((each) => each.remaining))
  if (late.waitUs > 0) return { ok: false, waitMs: Math.ceil(late.waitUs / US_PER_MS), bucket: late.name, remaining }
  for (const { id, next } of plans) tats.set(id, next)
  return { ok: true, remaining }
}

/** What a bucket holds now, and how long until its next token (0 when it has one). Undefined: full. */
export function levelOf(tats: Tats, now: number, rule: BucketRule, key: string): Level | undefined {
  const { interval, full } = measure(rule)
  const tat = Math.min(tats.get(bucketKey(rule, key)) ?? 0, now + full)
  if (tat <= now) return undefined
  const remaining = Math.floor((now + full - tat) / interval)
  return { remaining, waitMs: Math.max(0, Math.ceil((tat + interval - now - full) / US_PER_MS)) }
}

/** Takes up to `points`, leaving an empty bucket rather than a debt. */
export function drain(tats: Tats, now: number, { rule, key, points }: PointsTake): void {
  assertPoints(points)
  const { interval, full } = measure(rule)
  const start = Math.max(tats.get(bucketKey(rule, key)) ?? 0, now)
  tats.set(bucketKey(rule, key), Math.min(start + points * interval, now + full))
}

function plan(tats: Tats, now: number, { rule, key, points }: PointsTake) {
  const { interval, full } = measure(rule)
  const id = bucketKey(rule, key)
  const stored = tats.get(id) ?? 0
  const start = Math.min(Math.max(stored, now), now + full)
  const next = start + points * interval
  const waitUs = next - now - full
  const left = waitUs > 0 ? start : next
  return { id, name: rule.name, stored, start, next, waitUs, remaining: Math.floor((now + full - left) / interval) }
}

/** The same bucket named twice is one take of the sum. */
export function merged(takes: readonly PointsTake[]): PointsTake[] {
  const byId = new Map<string, PointsTake>()
  for (const take of takes) {
    assertPoints(take.points)
    const id = bucketKey(take.rule, take.key)
    const points = take.points + (byId.get(id)?.points ?? 0)
    if (points > take.rule.burst) throw new RangeError(`${points} points never fit in ${take.rule.name}`)
    byId.set(id, { ...take, points })
  }
  if (byId.size === 0) throw new RangeError('nothing to take')
  return [...byId.values()]
}

/** Microseconds between tokens, and from empty to full. Throws RangeError on a rule that can't be meant. */
export function measure({ name, burst, perMinute }: BucketRule): { interval: number; full: number } {
  const interval = Math.ceil(US_PER_MINUTE / perMinute)
  const full = burst * interval
  if (!Number.isSafeInteger(burst) || burst < 1 || !(perMinute > 0) || !(full > 0 && full <= LONGEST_REFILL_US)) {
    throw new RangeError(`bucket ${name}: a burst of ${burst} at ${perMinute} per minute`)
  }
  return { interval, full }
}

export function assertPoints(points: number): void {
  if (!Number.isSafeInteger(points) || points < 1) throw new RangeError(`${points} is not a number of points`)
}
