import { oldestDay } from '../diary.ts'
import type { Book } from './book.ts'
import { currentWindow, dayCapOf, isHalted, note, raisedOn, readRush, setHalt, signalRush } from './book.ts'
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
  if (limits.all.some(({ row, rushNano }) => bookedWith(row, order.nano) > rushNano)) {
    signalRush(book, order.at)
  }
  const full = limits.all.find(({ row, cap, own }) => bookedWith(row, order.nano) + own > cap)
  if (full) {
    const wanted = bookedWith(full.row, order.nano) + full.own
    return refuse(full.cause, full.row.spent + order.nano + full.own <= full.cap, wanted)
  }
  const rows = new Map(limits.all.map(({ key, row }) => [key, row]))
  const hour = hourKey(day, order.hour)
  rows.set(hour, book.scope(hour) ?? EMPTY_ROW)
  for (const [key, row] of rows) bookHold(book, key, row, order.nano)
  book.putHold(order.id, { owner: order.owner, day, scopes: [...rows.keys()], nano: order.nano, open: true })
  turnDay(book, window, order.at)
  return { ok: true, day, capNano, rush: readRush(book, order.at) }
}

/** Lowers an open hold to `nano`; never raises it. Unknown and settled holds are left alone. */
export function tighten(book: Book, id: string, nano: number): void {
  assertNano(nano)
  const hold = book.hold(id)
  if (!hold?.open || nano >= hold.nano) return
  update(book, hold.scopes, { held: nano - hold.nano, spent: 0, outputTokens: 0 })
  book.putHold(id, { ...hold, nano })
}

/** Turns an open hold into what was spent, in the scopes it was taken in. An overrun is booked, and halts admission. */
export function settle(book: Book, id: string, settlement: Settlement, at: number): Settled {
  const hold = book.hold(id)
  assertSettlement(settlement)
  if (!hold?.open) return { known: hold !== undefined, excessNano: 0, halted: false }
  const nano = settlement.nano ?? hold.nano
  update(book, hold.scopes, { held: -hold.nano, spent: nano, outputTokens: settlement.outputTokens })
  book.putHold(id, { ...hold, nano, open: false })
  const excessNano = Math.max(0, nano - hold.nano)
  const halted = excessNano > 0 || settlement.overrun
  if (halted) setHalt(book, 'overrun', at)
  return { known: true, excessNano, halted }
}

/** `own`: what counts beside the row's sums. */
type Limit = { cause: LedgerCause; key: string; row: ScopeRow; cap: number; own: number; rushNano: number }

const bookedWith = (row: ScopeRow, nano: number): number => row.spent + row.held + nano

/** Each row is read once: all of this is on the way of every question. */
function limitsOf(book: Book, window: DayWindow, { caps, scopes }: ReserveOrder): { day: Limit; all: Limit[] } {
  const month = limitOn(book, 'month', monthKey(window.month), caps.monthNano)
  const day = limitOn(book, 'day', dayKey(window.day), 0)
  day.cap = dayCapOf(window, caps, { month: month.row, day: day.row, raisedNano: raisedOn(book, window.day) })
  const all = [month, day]
  const parts = new Map([['', day]])
  const partOf = (key: string): Pick<Limit, 'key' | 'row'> => {
    const part = parts.get(key) ?? limitOn(book, 'share', scopeKey(window.day, key), 0)
    parts.set(key, part)
    return part
  }
  for (const { cause, key: name, capNano: cap, own, rushNano = Number.POSITIVE_INFINITY } of scopes) {
    const { key, row } = partOf(name)
    all.push({ cause, key, row, cap, own: own ? own.times * bookedWith(partOf(own.key).row, 0) : 0, rushNano })
  }
  return { day, all }
}

const limitOn = (book: Book, cause: LedgerCause, key: string, cap: number): Limit => {
  return { cause, key, row: book.scope(key) ?? EMPTY_ROW, cap, own: 0, rushNano: Number.POSITIVE_INFINITY }
}

function bookHold(book: Book, key: string, { spent, held, requests, outputTokens }: ScopeRow, nano: number): void {
  book.putScope(key, { spent, held: held + nano, requests: requests + 1, outputTokens })
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
function update(book: Book, scopes: readonly string[], by: Omit<ScopeRow, 'requests'>): void {
  for (const key of scopes) {
    const row = book.scope(key)
    if (!row) continue
    const { requests } = row
    const [spent, held] = [row.spent + by.spent, row.held + by.held]
    book.putScope(key, { spent, held, requests, outputTokens: row.outputTokens + by.outputTokens })
  }
}
