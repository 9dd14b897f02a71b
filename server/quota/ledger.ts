/**
 * The wallet's ledger: what every store keeps to, and how a book names its rows.
 * Per scope (day, month, a part of the day) spent + held <= cap, in one atomic step. Amounts are whole nano-currency.
 */
/** The sums of one scope. `requests` counts upstream calls, `outputTokens` what they were billed for. */
export type ScopeRow = { spent: number; held: number; requests: number; outputTokens: number }

/** One hold. `owner` is the boot id of the process that took it: a dead owner's open holds stay counted. */
export type HoldRow = { owner: string; day: string; scopes: readonly string[]; nano: number; open: boolean }

export type DayWindow = { day: string; month: string; daysLeft: number }
export type Caps = { dayNano: number; monthNano: number }

export type ScopeCause = 'pace' | 'share' | 'newcomers'
/**
 * One more cap on the day: on all of it (`key` ''), or on what is booked under `key`, `kind` or `kind:name`; names are
 * addresses and the like, and stores keep only their hash. `own`: what that key has booked before this order counts
 * `times` more. Once more than `rushNano` is booked, there is a rush.
 */
export type Scope = {
  cause: ScopeCause
  key: string
  capNano: number
  own?: { key: string; times: number } | undefined
  rushNano?: number | undefined
}

/** `at` is epoch ms; `hour` counts from the day's beginning, 0 to 23. */
export type ReserveOrder = DayWindow & {
  id: string
  owner: string
  nano: number
  caps: Caps
  scopes: readonly Scope[]
  at: number
  hour: number
}
export type LedgerCause = 'day' | 'month' | 'too_large' | 'halted' | ScopeCause
/** A time of pressure, in epoch ms: what came after `since` came with it. */
export type Rush = { since: number; until: number }
/** What the day allows, told with every answer. */
export type Seen = { day: string; capNano: number; rush: Rush | undefined }
/** `durable`: the hold survives a power cut once it resolves (there is none: it does so now). `soon`: only open holds are in the way, and they settle within an answer's time. `wantedNano`: a cap that would do. */
export type Reserved = Seen &
  ({ ok: true; durable?: Promise<void> } | { ok: false; cause: LedgerCause; soon: boolean; wantedNano: number })
/** `nano` undefined: not known, so the hold is what was spent. `overrun`: more output was billed than was allowed. */
export type Settlement = { nano: number | undefined; outputTokens: number; overrun: boolean }
/** `excessNano`: what was billed beyond the hold. `halted`: this settlement stopped admission. */
export type Settled = { known: boolean; excessNano: number; halted: boolean }
export type Snapshot = { day: string; spent: ScopeRow; capNano: number; month: ScopeRow; halted: string | undefined }

/** A sign of life of one process. */
export type Beat = { owner: string; at: number; window: DayWindow; caps: Caps }
/** `lastAt`: the latest time that any process had told before, 0 for none. */
export type BeatAnswer = Seen & { lastAt: number }

export type LedgerEvent = { at: number; kind: 'halt' | 'resume' | 'raise'; detail: string }
/** `lost`: its process has been silent for 90 s, so nobody will settle it. It stays counted. */
export type OpenHold = { id: string; owner: string; day: string; nano: number; lost: boolean }
/** What the admin sees. `addresses` are hashed, the largest first. */
export type Report = Snapshot & {
  raisedNano: number
  hours: readonly { hour: number; row: ScopeRow }[]
  addresses: readonly { key: string; row: ScopeRow }[]
  holds: readonly OpenHold[]
  events: readonly LedgerEvent[]
  rush: Rush | undefined
}

/** One day as it stands or ended; `beforeNano` is what the month had booked before it. */
export type DayBook = {
  sums: ScopeRow
  capNano: number
  raisedNano: number
  beforeNano: number
  hours: Report['hours']
}

/**
 * Where the books are. Every call is one atomic step, and rejects when the store is out of order; raise, halt and
 * resume are durable, a reserve once it says so. Repeating a call with the same hold id changes nothing.
 */
export type LedgerStore = {
  reserve(order: ReserveOrder): Promise<Reserved>
  tighten(id: string, nano: number): Promise<void>
  settle(id: string, settlement: Settlement): Promise<Settled>
  snapshot(window: DayWindow, caps: Caps): Promise<Snapshot>
  report(window: DayWindow, caps: Caps): Promise<Report>
  /** Any day of the last forty, under the caps of now; later ones are empty. */
  day(window: DayWindow, caps: Caps): Promise<DayBook>
  /** Those of every process, lost ones too. */
  holds(): Promise<readonly OpenHold[]>
  beat(beat: Beat): Promise<BeatAnswer>
  /** Adds to the cap of `day`; the month's stays. */
  raise(day: string, nano: number): Promise<void>
  /** Stops admission everywhere until `resume`; survives restarts. */
  halt(cause: string): Promise<void>
  /** Lifts a halt and accepts the clock; with `window`, also when that day lies before the last one booked. */
  resume(window?: DayWindow): Promise<void>
}

export const LOST_AFTER_MS = 90_000
export const RUSH_MS = 600_000
/** A rush shows only when it has eaten its part: who came in the quarter of an hour before counts as having come with it. */
export const RUSH_LOOKBACK_MS = 900_000

export const EMPTY_ROW: ScopeRow = { spent: 0, held: 0, requests: 0, outputTokens: 0 }
export const monthKey = (month: string): string => `month:${month}`
export const dayKey = (day: string): string => `day:${day}`
export const hourKey = (day: string, hour: number): string => `hour:${day}:${String(hour).padStart(2, '0')}`
/** A part of a day; `prune` knows these keys, and those of hours, by their fronts. */
export const sharePrefix = 'share:'
export const hourPrefix = 'hour:'
export const scopeKey = (day: string, key: string): string => (key === '' ? dayKey(day) : `${sharePrefix}${day}:${key}`)

/** min(day, 2 × month left / days left) and what was raised; the month's rest is that of the day's beginning. */
export function capOn(caps: Caps, daysLeft: number, monthBeforeNano: number, raisedNano: number): number {
  const left = Math.max(0, caps.monthNano - monthBeforeNano)
  return Math.min(left, Math.min(caps.dayNano, Math.floor((2 * left) / daysLeft)) + raisedNano)
}

/** The days of a month before `day`, by name. */
export function daysBefore({ day, month }: Pick<DayWindow, 'day' | 'month'>): string[] {
  const count = Number(day.slice(month.length + 1)) - 1
  return Array.from({ length: count }, (_, i) => `${month}-${String(i + 1).padStart(2, '0')}`)
}

export function dayBookOf(
  { daysLeft }: DayWindow,
  caps: Caps,
  read: { sums: ScopeRow; before: readonly ScopeRow[]; raisedNano: number; hours: Report['hours'] },
): DayBook {
  const beforeNano = read.before.reduce((sum, row) => sum + row.spent + row.held, 0)
  const { sums, raisedNano, hours } = read
  return { sums, raisedNano, hours, beforeNano, capNano: capOn(caps, daysLeft, beforeNano, raisedNano) }
}

/** Throws RangeError on what no store may book. */
export function assertSettlement({ nano = 0, outputTokens }: Settlement): void {
  assertNano(nano)
  assertNano(outputTokens)
}

// A million of currency: sums of these stay exact in doubles, which is what Lua has too.
const LARGEST_NANO = 1e15

export function assertNano(nano: number): void {
  if (!Number.isSafeInteger(nano) || nano < 0 || nano > LARGEST_NANO) {
    throw new RangeError(`${nano} is not a whole amount`)
  }
}
