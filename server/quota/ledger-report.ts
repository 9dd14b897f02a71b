import type { Book } from './book.ts'
import { currentWindow, dayCap, isHalted, note, raisedOn, readRush, setHalt } from './book.ts'
import type {
  Beat,
  BeatAnswer,
  Caps,
  DayBook,
  DayWindow,
  LedgerEvent,
  LedgerStore,
  OpenHold,
  Report,
  Scope,
  ScopeRow,
  Snapshot,
} from './ledger.ts'
import { dayBookOf, dayKey, daysBefore, EMPTY_ROW, hourKey, LOST_AFTER_MS, monthKey, sharePrefix } from './ledger.ts'
import { raise, reserve, settle, tighten } from './ledger-steps.ts'

/** Runs `step` on the book as one atomic step; a durable one survives a power cut. Rejects when out of order. */
export type BookStore = {
  run<T>(durable: boolean, step: (book: Book) => T): Promise<T>
  /** A durable step, told before it is: that it is once `durable` resolves, or is now when there is none. */
  runAhead<T>(step: (book: Book) => T): Promise<{ value: T; durable?: Promise<void> }>
}

/** `now` is epoch ms; `hide` hashes a name that must not be kept as it is. */
export type LedgerParts = { now(): number; hide(name: string): string }

/** The port on a store that runs steps in this process. */
export const ledgerOn = (store: BookStore, { now, hide }: LedgerParts): LedgerStore => ({
  async reserve(order) {
    const scopes = hideScopes(order.scopes, hide)
    const { value, durable } = await store.runAhead((book) => reserve(book, { ...order, scopes }))
    return durable && value.ok ? { ...value, durable } : value
  },
  tighten: async (id, nano) => store.run(false, (book) => tighten(book, id, nano)),
  async settle(id, settlement) {
    // A settlement that a power cut takes back leaves its hold counted, but a halt must not be taken back.
    const settled = await store.run(false, (book) => settle(book, id, settlement, now()))
    if (settled.halted) await store.run(true, (book) => setHalt(book, 'overrun', now()))
    return settled
  },
  snapshot: async (window, caps) => store.run(false, (book) => snapshot(book, window, caps)),
  report: async (window, caps) => store.run(false, (book) => report(book, window, caps, now())),
  day: async (window, caps) => store.run(false, (book) => dayOf(book, window, caps)),
  holds: async () => store.run(false, (book) => openHolds(book, now())),
  beat: async (each) => store.run(true, (book) => beat(book, each)),
  raise: async (day, nano) => store.run(true, (book) => raise(book, day, nano, now())),
  halt: async (cause) => store.run(true, (book) => setHalt(book, cause, now())),
  resume: async (window) => store.run(true, (book) => resume(book, window, now())),
})

export function hideScopes(scopes: readonly Scope[], hide: (name: string) => string): Scope[] {
  return scopes.map(({ cause, key, capNano, own, rushNano }) => {
    const hidden = own && { key: hideName(own.key, hide), times: own.times }
    return { cause, key: hideName(key, hide), capNano, own: hidden, rushNano }
  })
}

/** `kind:name` -> `kind:` and the name's hash. */
function hideName(key: string, hide: (name: string) => string): string {
  const colon = key.indexOf(':')
  return colon < 0 ? key : `${key.slice(0, colon + 1)}${hide(key.slice(colon + 1))}`
}

function resume(book: Book, window: DayWindow | undefined, at: number): void {
  const cause = isHalted(book)
  book.putFact('halt', undefined)
  book.putFact('seen', String(at))
  if (window && currentWindow(book, window) !== window) book.putWindow(window)
  note(book, { at, kind: 'resume', detail: cause ?? 'nothing' })
}

export function snapshot(book: Book, asked: DayWindow, caps: Caps): Snapshot {
  const window = currentWindow(book, asked)
  const month = book.scope(monthKey(window.month)) ?? EMPTY_ROW
  const spent = book.scope(dayKey(window.day)) ?? EMPTY_ROW
  return { day: window.day, spent, capNano: dayCap(book, window, caps), month, halted: isHalted(book) }
}

function beat(book: Book, { owner, at, window, caps }: Beat): BeatAnswer {
  const lastAt = Number(book.fact('seen') ?? 0)
  const current = currentWindow(book, window)
  book.putFact(`owner:${owner}`, String(at))
  if (at > lastAt) book.putFact('seen', String(at))
  return { day: current.day, capNano: dayCap(book, current, caps), rush: readRush(book, at), lastAt }
}

const SHOWN_ADDRESSES = 50
const SHOWN_EVENTS = 100

export function report(book: Book, asked: DayWindow, caps: Caps, at: number): Report {
  const summary = snapshot(book, asked, caps)
  const { day } = summary
  const front = `${sharePrefix}${day}:`
  return {
    ...summary,
    raisedNano: raisedOn(book, day),
    hours: hoursOf((hour) => book.scope(hourKey(day, hour))),
    addresses: addressesOf(book.scopesUnder(`${front}address:`), `${front}address:`),
    holds: openHolds(book, at),
    events: book
      .factsUnder('event:')
      .slice(-SHOWN_EVENTS)
      .flatMap(([, text]) => parseEvent(text) ?? []),
    rush: readRush(book, at),
  }
}

function dayOf(book: Book, window: DayWindow, caps: Caps): DayBook {
  const { day } = window
  const rowOf = (each: string): ScopeRow => book.scope(dayKey(each)) ?? EMPTY_ROW
  return dayBookOf(window, caps, {
    sums: rowOf(day),
    before: daysBefore(window).map(rowOf),
    raisedNano: raisedOn(book, day),
    hours: hoursOf((hour) => book.scope(hourKey(day, hour))),
  })
}

const openHolds = (book: Book, at: number): OpenHold[] =>
  book.openHolds().map(([id, { owner, day, nano }]) => {
    return { id, owner, day, nano, lost: isLost(book.fact(`owner:${owner}`), at) }
  })

export const isLost = (lastBeat: string | undefined, at: number): boolean => at - Number(lastBeat ?? 0) >= LOST_AFTER_MS

export function hoursOf(rowOf: (hour: number) => ScopeRow | undefined): Report['hours'] {
  return Array.from({ length: 24 }, (_, hour) => ({ hour, row: rowOf(hour) ?? EMPTY_ROW }))
}

export function addressesOf(rows: readonly (readonly [string, ScopeRow])[], front: string): Report['addresses'] {
  return rows
    .map(([key, row]) => ({ key: key.slice(front.length), row }))
    .sort((a, b) => b.row.spent + b.row.held - (a.row.spent + a.row.held))
    .slice(0, SHOWN_ADDRESSES)
}

/** `<at> <kind> <detail>` -> the event, or undefined. */
export function parseEvent(text: string): LedgerEvent | undefined {
  const [, at, kind, detail = ''] = /^(\d+) (\w+) ?(.*)$/.exec(text) ?? []
  if (kind !== 'halt' && kind !== 'resume' && kind !== 'raise') return undefined
  return { at: Number(at), kind, detail }
}
