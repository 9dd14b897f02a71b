/**
 * The wallet's ledger as pure steps on a book. Per scope (a day, its month, an address's share of the day):
 * spent + held <= cap, checked and booked in one atomic step. All amounts are integer nano-currency.
 */

/** The sums of one scope. `requests` counts upstream calls, `outputTokens` what they were billed for. */
export type ScopeRow = { spent: number; held: number; requests: number; outputTokens: number }

/** One hold. `owner` is the boot id of the process that took it: a dead owner's open holds stay counted. */
export type HoldRow = { owner: string; scopes: readonly string[]; nano: number; open: boolean }

export type DayWindow = { day: string; month: string; daysLeft: number }

/** What stands in the store: read and written inside one atomic step. */
export type Book = {
  scope(key: string): ScopeRow | undefined
  putScope(key: string, row: ScopeRow): void
  hold(id: string): HoldRow | undefined
  putHold(id: string, day: string, row: HoldRow): void
  /** The latest day that was ever booked. */
  window(): DayWindow | undefined
  putWindow(window: DayWindow): void
  halt(): string | undefined
  putHalt(cause: string | undefined): void
  /** Forgets holds and address shares of days before `day`. Sums of days and months stay, so nothing is given back. */
  prune(day: string): void
}

export type Caps = { dayNano: number; monthNano: number; share: number }
export type ReserveOrder = DayWindow & { id: string; owner: string; addressKey: string; nano: number; caps: Caps }
export type LedgerCause = 'day' | 'month' | 'share' | 'too_large' | 'halted'
/** `soon`: only open holds are in the way, and they settle within an answer's time. */
export type Reserved = { ok: true; day: string } | { ok: false; cause: LedgerCause; soon: boolean; day: string }
/** `nano` undefined: not known, so the hold is what was spent. `overrun`: more output was billed than was allowed. */
export type Settlement = { nano: number | undefined; outputTokens: number; overrun: boolean }
/** `excessNano`: what was billed beyond the hold. `halted`: this settlement stopped admission. */
export type Settled = { known: boolean; excessNano: number; halted: boolean }
export type Snapshot = { day: string; spent: ScopeRow; capNano: number; month: ScopeRow; halted: string | undefined }

/**
 * Where the books are. Every call is one atomic, durable step, and rejects when the store is out of order.
 * Repeating a call with the same hold id changes nothing.
 */
export type LedgerStore = {
  reserve(order: ReserveOrder): Promise<Reserved>
  tighten(id: string, nano: number): Promise<void>
  settle(id: string, settlement: Settlement): Promise<Settled>
  snapshot(window: DayWindow, caps: Caps): Promise<Snapshot>
  /** Stops admission everywhere until `resume`; survives restarts. */
  halt(cause: string): Promise<void>
  resume(): Promise<void>
}

/** Runs `step` on the book as one atomic and durable step. Rejects when the store is out of order. */
export type BookStore = { run<T>(step: (book: Book) => T): Promise<T> }

const EMPTY: ScopeRow = { spent: 0, held: 0, requests: 0, outputTokens: 0 }

export const ledgerOn = (store: BookStore): LedgerStore => ({
  reserve: async (order) => store.run((book) => reserve(book, order)),
  tighten: async (id, nano) => store.run((book) => tighten(book, id, nano)),
  settle: async (id, settlement) => store.run((book) => settle(book, id, settlement)),
  snapshot: async (window, caps) => store.run((book) => snapshot(book, window, caps)),
  halt: async (cause) => store.run((book) => book.putHalt(book.halt() ?? cause)),
  resume: async () => store.run((book) => book.putHalt(undefined)),
})

/** Sets `order.nano` aside in all scopes, or in none. */
export function reserve(book: Book, order: ReserveOrder): Reserved {
  assertNano(order.nano)
  const window = currentWindow(book, order)
  const { day } = window
  if (book.hold(order.id)) return { ok: true, day }
  if (book.halt() !== undefined) return { ok: false, cause: 'halted', soon: false, day }
  const limits = limitsOf(book, window, order.caps, order.addressKey)
  if (limits.some((limit) => order.nano > limit.largest)) return { ok: false, cause: 'too_large', soon: false, day }
  const full = limits.find(({ row, cap }) => row.spent + row.held + order.nano > cap)
  if (full) return { ok: false, cause: full.cause, soon: full.row.spent + order.nano <= full.cap, day }
  for (const { key, row } of limits) {
    book.putScope(key, { ...row, held: row.held + order.nano, requests: row.requests + 1 })
  }
  const scopes = limits.map(({ key }) => key)
  book.putHold(order.id, day, { owner: order.owner, scopes, nano: order.nano, open: true })
  const last = book.window()?.day
  if (last !== day) book.putWindow(window)
  // The day before is kept: its last holds are still being settled.
  if (last !== undefined && last !== day) book.prune(last)
  return { ok: true, day }
}

/** Lowers an open hold to `nano`; never raises it. Unknown and settled holds are left alone. */
export function tighten(book: Book, id: string, nano: number): void {
  assertNano(nano)
  const hold = book.hold(id)
  if (!hold?.open || nano >= hold.nano) return
  update(book, hold.scopes, (row) => ({ ...row, held: row.held - (hold.nano - nano) }))
  book.putHold(id, dayOf(hold), { ...hold, nano })
}

/** Turns an open hold into what was spent, in the scopes it was taken in. An overrun is booked, and halts admission. */
export function settle(book: Book, id: string, settlement: Settlement): Settled {
  const hold = book.hold(id)
  if (!hold?.open) return { known: hold !== undefined, excessNano: 0, halted: false }
  const nano = settlement.nano ?? hold.nano
  assertNano(nano)
  assertNano(settlement.outputTokens)
  update(book, hold.scopes, (row) => ({
    ...row,
    spent: row.spent + nano,
    held: row.held - hold.nano,
    outputTokens: row.outputTokens + settlement.outputTokens,
  }))
  book.putHold(id, dayOf(hold), { ...hold, nano, open: false })
  const excessNano = Math.max(0, nano - hold.nano)
  const halted = excessNano > 0 || settlement.overrun
  if (halted) book.putHalt(book.halt() ?? 'overrun')
  return { known: true, excessNano, halted }
}

export function snapshot(book: Book, asked: DayWindow, caps: Caps): Snapshot {
  const window = currentWindow(book, asked)
  const [month = EMPTY, spent = EMPTY] = [book.scope(monthKey(window)), book.scope(dayKey(window))]
  return { day: window.day, spent, capNano: dayCap(window, caps, month, spent), month, halted: book.halt() }
}

const monthKey = ({ month }: DayWindow): string => `month:${month}`
const dayKey = ({ day }: DayWindow): string => `day:${day}`
/** An address's share of a day; `prune` knows these keys by their front. */
export const sharePrefix = 'share:'

/** A day that was booked never goes back: after a clock is set back, the later day goes on until time has caught up. */
function currentWindow(book: Book, asked: DayWindow): DayWindow {
  const stored = book.window()
  return stored && stored.day > asked.day ? stored : { day: asked.day, month: asked.month, daysLeft: asked.daysLeft }
}

/** `largest`: what could ever fit, in an empty scope. */
type Limit = { cause: 'month' | 'day' | 'share'; key: string; row: ScopeRow; cap: number; largest: number }

function limitsOf(book: Book, window: DayWindow, caps: Caps, addressKey: string): Limit[] {
  const limit = (cause: Limit['cause'], key: string, largest: number): Limit => {
    return { cause, key, row: book.scope(key) ?? EMPTY, cap: largest, largest }
  }
  const month = limit('month', monthKey(window), caps.monthNano)
  const day = limit('day', dayKey(window), Math.min(caps.dayNano, caps.monthNano))
  const share = limit('share', `${sharePrefix}${window.day}:${addressKey}`, Math.floor(day.largest * caps.share))
  day.cap = dayCap(window, caps, month.row, day.row)
  share.cap = Math.floor(day.cap * caps.share)
  return [month, day, share]
}

/** min(day, 2 × month left / days left), where the month's rest is that of this day's beginning: fixed all day long. */
function dayCap(window: DayWindow, caps: Caps, month: ScopeRow, day: ScopeRow): number {
  const before = month.spent + month.held - (day.spent + day.held)
  const smooth = Math.floor((2 * Math.max(0, caps.monthNano - before)) / window.daysLeft)
  return Math.min(caps.dayNano, caps.monthNano, smooth)
}

/** A share that was pruned since stays forgotten. */
function update(book: Book, scopes: readonly string[], change: (row: ScopeRow) => ScopeRow): void {
  for (const key of scopes) {
    const row = book.scope(key)
    if (row) book.putScope(key, change(row))
  }
}

const dayOf = (hold: HoldRow): string => hold.scopes.find((key) => key.startsWith('day:'))?.slice(4) ?? ''

function assertNano(nano: number): void {
  if (!Number.isSafeInteger(nano) || nano < 0) throw new RangeError(`${nano} is not a whole amount`)
}
