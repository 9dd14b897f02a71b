import type { Clock } from '../server/clock.ts'
import type { ScenarioName } from './order.ts'

const KEPT_ENTRIES = 10_000
const KEPT_BODIES = 200

/** How a request ended: answered whole, left by its client, or broken off by the emulator. */
export type ClosedBy = 'served' | 'client' | 'emulator'

/** One call for content. Tokens are what Google would bill, all booked when the call is dispatched. */
export type LedgerEntry = {
  id: number
  model: string
  method: string
  scenario: ScenarioName | 'refused'
  status: number
  promptTokens: number
  /** Thoughts included, as Google bills them. */
  outputTokens: number
  maxOutputTokens?: number
  /** Chunks written so far. */
  chunks: number
  /** Epoch milliseconds. */
  openedAt: number
  closedAt?: number
  closedBy?: ClosedBy
  /** Names only: the values hold the key. */
  headers: readonly string[]
  /** What was received, as text, for the latest requests. */
  body?: string
}

/** Totals over everything since the start or the last reset; `entries` are the latest 10,000. */
export type LedgerReport = {
  requests: number
  open: number
  promptTokens: number
  outputTokens: number
  /** Requests to the page that `redirect` leads to. */
  redirected: number
  entries: readonly LedgerEntry[]
}

export type NewEntry = Pick<LedgerEntry, 'model' | 'method' | 'scenario' | 'status' | 'headers' | 'body'> & {
  promptTokens?: number
  outputTokens?: number
  maxOutputTokens?: number | undefined
}
/** An open line of the ledger; `close` counts once. */
export type Line = { chunk(): void; close(by: ClosedBy): void }

export type Ledger = {
  open(entry: NewEntry): Line
  redirected(): void
  report(): LedgerReport
  reset(): void
  /** Resolves with the first report that fits, at once or after a change; rejects when the ledger ends. */
  changed(fits: Fits): Promise<LedgerReport>
  end(): void
}

export function createLedger(clock: Clock): Ledger {
  const waits = createWaits()
  let book = emptyBook()
  let ids = 0
  const tell = () => waits.tell(book)
  return {
    open(fresh) {
      const page = book
      ids += 1
      const entry = add(page, fresh, ids, clock.now())
      tell()
      return lineOf(entry, page, clock, tell)
    },
    redirected() {
      book.redirected += 1
      tell()
    },
    report: () => snapshot(book),
    reset() {
      book = emptyBook()
      tell()
    },
    changed: (fits) => (fits(book) ? Promise.resolve(snapshot(book)) : waits.wait(fits)),
    end: waits.end,
  }
}

function lineOf(entry: LedgerEntry, page: Book, clock: Clock, tell: () => void): Line {
  return {
    chunk() {
      entry.chunks += 1
      tell()
    },
    close(by) {
      if (entry.closedBy !== undefined) return
      entry.closedBy = by
      entry.closedAt = clock.now()
      page.open -= 1
      tell()
    },
  }
}

type Fits = (report: LedgerReport) => boolean
type Waiter = { fits: Fits; resolve(report: LedgerReport): void; reject(why: Error): void }

function createWaits() {
  const waiters = new Set<Waiter>()
  return {
    wait(fits: Fits): Promise<LedgerReport> {
      const waiting = new Promise<LedgerReport>((resolve, reject) => waiters.add({ fits, resolve, reject }))
      // A wait that nobody awaits any more must not become an unhandled rejection at the end.
      waiting.catch(() => {})
      return waiting
    },
    tell(book: Book) {
      for (const waiter of waiters) {
        if (!waiter.fits(book)) continue
        waiters.delete(waiter)
        waiter.resolve(snapshot(book))
      }
    },
    end() {
      for (const waiter of waiters) waiter.reject(new Error('the emulator was closed'))
      waiters.clear()
    },
  }
}

type Book = Omit<LedgerReport, 'entries'> & { entries: LedgerEntry[] }

const emptyBook = (): Book => ({
  requests: 0,
  open: 0,
  promptTokens: 0,
  outputTokens: 0,
  redirected: 0,
  entries: [],
})

const snapshot = (book: Book): LedgerReport => ({ ...book, entries: book.entries.map((entry) => ({ ...entry })) })

function add(book: Book, fresh: NewEntry, id: number, openedAt: number): LedgerEntry {
  const { promptTokens = 0, outputTokens = 0, maxOutputTokens, ...rest } = fresh
  const counts = { promptTokens, outputTokens, chunks: 0, openedAt }
  const entry: LedgerEntry = { id, ...rest, ...counts, ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }) }
  book.entries.push(entry)
  if (book.entries.length > KEPT_ENTRIES) book.entries.splice(0, KEPT_ENTRIES / 10)
  const old = book.entries.at(-1 - KEPT_BODIES)
  if (old !== undefined) delete old.body
  book.requests += 1
  book.open += 1
  book.promptTokens += promptTokens
  book.outputTokens += outputTokens
  return entry
}
