import { oldestDay } from '../diary.ts'
import type { Book } from './book.ts'
import { currentWindow, dayCap, isHalted, note, raisedOn, readRush, setHalt, signalRush } from './book.ts'
import type { DayWindow, LedgerCause, Reserved, ReserveOrder, ScopeRow, Settled, Settlement } from './ledger.ts'
import { assertNano, assertSettlement, dayKey, EMPTY_ROW, hourKey, monthKey, scopeKey } from './ledger.ts'

/** Sets `order.nano` aside in all scopes, or in none. */
export function reserve(book: Book, order: ReserveOrder): Reserved {
  assertNano(order.nano)
  const window = currentWindow(book, order)
  const { day } = window
  const limits = limitsOf(book, window, order)
  const capNano = limits.day.cap
  const refuse = (cause: LedgerCause, soon = false, wantedNano = 0): Reserved => {
    return { ok: false, cause, soon, wantedNano, day, capNano, rush: readRush(book, order.at) }
  }
  if (book.hold(order.id)) return { ok: true, day, capNano, rush: readRush(book, order.at) }
  if (isHalted(book) !== undefined) return refuse('halted')
  if (order.nano > Math.min(order.caps.dayNano + raisedOn(book, day), order.caps.monthNano)) return refuse('too_large')
  if (limits.all.some(({ row, rushNano = Infinity }) => bookedWith(row, order.nano) > rushNano)) {
    signalRush(book, order.at)
  }
  const full = limits.all.find(({ row, cap, own }) => bookedWith(row, order.nano) + own > cap)
  if (full) {
    const wanted = bookedWith(full.row, order.nano) + full.own
    return refuse(full.cause, full.row.spent + order.nano + full.own <= full.cap, wanted)
  }
  const scopes = [...new Set([...limits.all.map(({ key }) => key), hourKey(day, order.hour)])]
  for (const key of scopes) bookHold(book, key, order.nano)
  book.putHold(order.id, { owner: order.owner, day, scopes, nano: order.nano, open: true })
  turnDay(book, window, order.at)
  return { ok: true, day, capNano, rush: readRush(book, order.at) }
}

/** Lowers an open hold to `nano`; never raises it. Unknown and settled holds are left alone. */
export function tighten(book: Book, id: string, nano: number): void {
  assertNano(nano)
  const hold = book.hold(id)
  if (!hold?.open || nano >= hold.nano) return
  update(book, hold.scopes, (row) => ({ ...row, held: row.held - (hold.nano - nano) }))
  book.putHold(id, { ...hold, nano })
}

/** Turns an open hold into what was spent, in the scopes it was taken in. An overrun is booked, and halts admission. */
export function settle(book: Book, id: string, settlement: Settlement, at: number): Settled {
  const hold = book.hold(id)
  assertSettlement(settlement)
  if (!hold?.open) return { known: hold !== undefined, excessNano: 0, halted: false }
  const nano = settlement.nano ?? hold.nano
  update(book, hold.scopes, (row) => ({
    ...row,
    spent: row.spent + nano,
    held: row.held - hold.nano,
    outputTokens: row.outputTokens + settlement.outputTokens,
  }))
  book.putHold(id, { ...hold, nano, open: false })
  const excessNano = Math.max(0, nano - hold.nano)
  const halted = excessNano > 0 || settlement.overrun
  if (halted) setHalt(book, 'overrun', at)
  return { known: true, excessNano, halted }
}

/** `own`: what counts beside the row's sums. */
type Limit = { cause: LedgerCause; key: string; row: ScopeRow; cap: number; own: number; rushNano?: number | undefined }

const bookedWith = (row: ScopeRow, nano: number): number => row.spent + row.held + nano

function limitsOf(book: Book, window: DayWindow, { caps, scopes }: ReserveOrder): { day: Limit; all: Limit[] } {
  const rowOf = (key: string): ScopeRow => book.scope(key) ?? EMPTY_ROW
  const limit = (cause: LedgerCause, key: string, cap: number): Limit => ({ cause, key, row: rowOf(key), cap, own: 0 })
  const day = limit('day', dayKey(window.day), dayCap(book, window, caps))
  const parts = scopes.map(({ cause, key, capNano, own, rushNano }): Limit => {
    const counted = own ? own.times * bookedWith(rowOf(scopeKey(window.day, own.key)), 0) : 0
    return { ...limit(cause, scopeKey(window.day, key), capNano), own: counted, rushNano }
  })
  return { day, all: [limit('month', monthKey(window.month), caps.monthNano), day, ...parts] }
}

function bookHold(book: Book, key: string, nano: number): void {
  const row = book.scope(key) ?? EMPTY_ROW
  book.putScope(key, { ...row, held: row.held + nano, requests: row.requests + 1 })
}

const OWNERS_KEPT_MS = 3 * 86_400_000

function turnDay(book: Book, { day, month, daysLeft }: DayWindow, at: number): void {
  const last = book.window()?.day
  if (last === day) return
  book.putWindow({ day, month, daysLeft })
  // The day before is kept: its last holds are still being settled.
  if (last === undefined) return
  const oldest = oldestDay(last)
  book.prune(last, oldest)
  for (const [name] of book.factsUnder('raised:')) if (name < `raised:${oldest}`) book.putFact(name, undefined)
  for (const [name, beat] of book.factsUnder('owner:')) {
    if (at - Number(beat) > OWNERS_KEPT_MS) book.putFact(name, undefined)
  }
}

/** Adds to the cap of `day`, and notes it. */
export function raise(book: Book, day: string, nano: number, at: number): void {
  assertNano(nano)
  const raised = raisedOn(book, day) + nano
  assertNano(raised)
  book.putFact(`raised:${day}`, String(raised))
  note(book, { at, kind: 'raise', detail: `${day} ${nano}` })
}

/** A part of a day that was pruned since stays forgotten. */
function update(book: Book, scopes: readonly string[], change: (row: ScopeRow) => ScopeRow): void {
  for (const key of scopes) {
    const row = book.scope(key)
    if (row) book.putScope(key, change(row))
  }
}
