import type { Caps, DayWindow, HoldRow, LedgerEvent, Rush, ScopeRow } from './ledger.ts'
import { capOn, dayKey, EMPTY_ROW, monthKey, RUSH_LOOKBACK_MS, RUSH_MS } from './ledger.ts'

/** What stands in a store of this process: read and written inside one atomic step. */
export type Book = {
  scope(key: string): ScopeRow | undefined
  putScope(key: string, row: ScopeRow): void
  scopesUnder(front: string): (readonly [key: string, row: ScopeRow])[]
  hold(id: string): HoldRow | undefined
  putHold(id: string, row: HoldRow): void
  openHolds(): (readonly [id: string, row: HoldRow])[]
  /** The latest day that was ever booked. */
  window(): DayWindow | undefined
  putWindow(window: DayWindow): void
  /** Small named texts; undefined removes. */
  fact(name: string): string | undefined
  putFact(name: string, value: string | undefined): void
  factsUnder(front: string): (readonly [name: string, value: string])[]
  /** Forgets holds and shares before `day`, hours before `oldest`. Sums of days and months stay, so nothing is given back. */
  prune(day: string, oldest: string): void
}

/** A day that was booked never goes back: after a clock is set back, the later day goes on until time has caught up. */
export function currentWindow(book: Book, asked: DayWindow): DayWindow {
  const stored = book.window()
  return stored && stored.day > asked.day ? stored : asked
}

export const raisedOn = (book: Book, day: string): number => Number(book.fact(`raised:${day}`) ?? 0)
export const isHalted = (book: Book): string | undefined => book.fact('halt')

/** The first cause stays. */
export function setHalt(book: Book, cause: string, at: number): void {
  if (isHalted(book) !== undefined) return
  book.putFact('halt', cause)
  note(book, { at, kind: 'halt', detail: cause })
}

/** What the admin did and what stopped admission, kept for good: these are few. */
export function note(book: Book, event: LedgerEvent): void {
  const count = Number(book.fact('events') ?? 0) + 1
  book.putFact('events', String(count))
  book.putFact(`event:${String(count).padStart(9, '0')}`, `${event.at} ${event.kind} ${event.detail}`)
}

export function readRush(book: Book, at: number): Rush | undefined {
  const stored = book.fact('rush')
  if (stored === undefined) return undefined
  const [since = 0, until = 0] = stored.split(' ').map(Number)
  return at < until ? { since, until } : undefined
}

const RUSH_STEP_MS = 10_000

export function signalRush(book: Book, at: number): void {
  const rush = readRush(book, at)
  const until = at + RUSH_MS
  if (rush && until - rush.until < RUSH_STEP_MS) return
  book.putFact('rush', `${rush?.since ?? at - RUSH_LOOKBACK_MS} ${until}`)
}

/** The day's cap on this book: fixed all day long but for raises. */
export function dayCap(book: Book, window: DayWindow, caps: Caps): number {
  const [month = EMPTY_ROW, day = EMPTY_ROW] = [book.scope(monthKey(window.month)), book.scope(dayKey(window.day))]
  return dayCapOf(window, caps, { month, day, raisedNano: raisedOn(book, window.day) })
}

type Read = { month: ScopeRow; day: ScopeRow; raisedNano: number }

/** The same where the rows are at hand. */
export function dayCapOf({ daysLeft }: DayWindow, caps: Caps, { month, day, raisedNano }: Read): number {
  return capOn(caps, daysLeft, month.spent + month.held - (day.spent + day.held), raisedNano)
}
