import type { Book } from '../quota/book.ts'
import type { Tats } from '../quota/bucket.ts'
import type { DayWindow, HoldRow, ScopeRow } from '../quota/ledger.ts'
import { hourPrefix, sharePrefix } from '../quota/ledger.ts'
import { StoreError } from './port.ts'

export type Value = string | number | Uint8Array
/** A prepared statement of this connection. Both calls throw what SQLite reports. */
export type Statement = {
  get(...values: Value[]): unknown
  run(...values: Value[]): number
}
export type Prepare = (sql: string) => Promise<Statement>
/** Runs `step` in a transaction; `durable` survives a power cut. */
export type Run = <T>(durable: boolean, step: () => T) => Promise<T>

/** Where steps keep what they read and wrote, for as long as it holds. */
export type Memo<V> = Map<string, V>

/** `due` has one entry: the time before which no bucket is full again. */
export type TatMemos = { tats: Memo<number>; due: Memo<number> }
const EARLIEST = ''

/** Statements on the buckets; `sweep` drops a few that are full again. */
export async function sqliteTats(
  prepare: Prepare,
  { tats, due }: TatMemos,
): Promise<Tats & { sweep(now: number): void }> {
  const get = await prepare('SELECT tat FROM buckets WHERE key = ?')
  const set = await prepare('INSERT INTO buckets VALUES (?, ?) ON CONFLICT DO UPDATE SET tat = excluded.tat')
  const remove = await prepare('DELETE FROM buckets WHERE key = ?')
  const earliest = await prepare('SELECT tat FROM buckets ORDER BY tat LIMIT 1')
  const sweep = await prepare(
    'DELETE FROM buckets WHERE key IN (SELECT key FROM buckets WHERE tat <= ? ORDER BY tat LIMIT 8)',
  )
  return {
    get(key) {
      const known = tats.get(key)
      if (known !== undefined) return known
      const row = get.get(key)
      return row === undefined ? undefined : integer(row, 'tat')
    },
    set(key, tat) {
      set.run(key, tat)
      tats.set(key, tat)
      if (tat < (due.get(EARLIEST) ?? 0)) due.set(EARLIEST, tat)
    },
    delete(key) {
      remove.run(key)
      tats.delete(key)
    },
    sweep(now) {
      if (now < (due.get(EARLIEST) ?? 0)) return
      // Which were dropped nobody tells, and on a clock that is set back they would count again.
      if (sweep.run(now) > 0) tats.clear()
      const row = earliest.get()
      due.set(EARLIEST, row === undefined ? Number.POSITIVE_INFINITY : integer(row, 'tat'))
    },
  }
}

/** Statements on the ledger. */
export async function sqliteBook(prepare: Prepare): Promise<Book> {
  const getScope = await prepare('SELECT * FROM scopes WHERE key = ?')
  const scopesUnder = await prepare('SELECT * FROM scopes WHERE key > ? AND key < ? ORDER BY key LIMIT 1')
  const putScope = await prepare('INSERT OR REPLACE INTO scopes VALUES (?, ?, ?, ?, ?)')
  const getHold = await prepare('SELECT * FROM holds WHERE id = ?')
  const openHolds = await prepare('SELECT * FROM holds WHERE open = 1 AND id > ? AND id < ? ORDER BY id LIMIT 1')
  const putHold = await prepare('INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?, ?, ?)')
  const pruneHolds = await prepare('DELETE FROM holds WHERE day < ?')
  const pruneScopes = await prepare('DELETE FROM scopes WHERE key >= ? AND key < ?')
  const facts = await sqliteFacts(prepare)
  return {
    ...facts,
    scope(key) {
      const row = getScope.get(key)
      return row === undefined ? undefined : scopeOf(row)
    },
    putScope: (key, row) => void putScope.run(key, row.spent, row.held, row.requests, row.outputTokens),
    scopesUnder: (front) => pages(scopesUnder, 'key', front, scopeOf),
    hold(id) {
      const row = getHold.get(id)
      return row === undefined ? undefined : holdOf(row)
    },
    putHold: (id, { owner, day, scopes, nano, open }) =>
      void putHold.run(id, day, owner, JSON.stringify(scopes), nano, open ? 1 : 0),
    openHolds: () => pages(openHolds, 'id', '', holdOf),
    window() {
      const stored = facts.fact('window')
      return stored === undefined ? undefined : windowOf(stored)
    },
    putWindow: ({ day, month, daysLeft }) => facts.putFact('window', `${day} ${month} ${daysLeft}`),
    prune(day, oldest) {
      pruneHolds.run(day)
      pruneScopes.run(sharePrefix, sharePrefix + day)
      pruneScopes.run(hourPrefix, hourPrefix + oldest)
    },
  }
}

export type BookMemos = {
  scopes: Memo<{ value: ScopeRow | undefined }>
  facts: Memo<{ value: string | undefined }>
  holds: Memo<HoldRow>
}

/** `book`, which reads again only what it can't remember. */
export function remembering(book: Book, { scopes, facts, holds }: BookMemos): Book {
  const once = <T>(known: Memo<{ value: T }>, key: string, read: (key: string) => T): T => {
    const entry = known.get(key) ?? { value: read(key) }
    known.set(key, entry)
    return entry.value
  }
  return {
    ...book,
    scope: (key) => once(scopes, key, book.scope),
    putScope(key, row) {
      book.putScope(key, row)
      scopes.set(key, { value: row })
    },
    hold: (id) => holds.get(id) ?? book.hold(id),
    putHold(id, hold) {
      book.putHold(id, hold)
      // A settled one is not asked for again.
      if (hold.open) holds.set(id, hold)
      else holds.delete(id)
    },
    fact: (name) => once(facts, name, book.fact),
    putFact(name, value) {
      book.putFact(name, value)
      facts.set(name, { value })
    },
    window() {
      const stored = once(facts, 'window', book.fact)
      return stored === undefined ? undefined : windowOf(stored)
    },
    putWindow(window) {
      book.putWindow(window)
      facts.delete('window')
    },
    prune(day, oldest) {
      book.prune(day, oldest)
      scopes.clear()
      holds.clear()
    },
  }
}

/** The small named texts. */
export async function sqliteFacts(prepare: Prepare): Promise<Pick<Book, 'fact' | 'putFact' | 'factsUnder'>> {
  const get = await prepare('SELECT value FROM facts WHERE name = ?')
  const under = await prepare('SELECT * FROM facts WHERE name > ? AND name < ? ORDER BY name LIMIT 1')
  const put = await prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)')
  const drop = await prepare('DELETE FROM facts WHERE name = ?')
  return {
    fact(name) {
      const row = get.get(name)
      return row === undefined ? undefined : text(row, 'value')
    },
    putFact: (name, value) => void (value === undefined ? drop.run(name) : put.run(name, value)),
    factsUnder: (front) => pages(under, 'name', front, (row) => text(row, 'value')),
  }
}

/** Every row whose `column` begins with `front` (all with ''), in order: this library lists rows only asynchronously. */
export function pages<T>(next: Statement, column: string, front: string, read: (row: unknown) => T): [string, T][] {
  const found: [string, T][] = []
  const end = `${front}\u{10ffff}`
  for (let row = next.get(front, end); row !== undefined; row = next.get(text(row, column), end)) {
    found.push([text(row, column), read(row)])
  }
  return found
}

/** The named column as a whole number; a row that has none is corrupt. */
export function integer(row: unknown, name: string): number {
  const value = column(row, name)
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw corrupt(name)
  return value
}

export function bytes(row: unknown, name: string): Uint8Array {
  const value = column(row, name)
  if (!(value instanceof Uint8Array)) throw corrupt(name)
  return value
}

function text(row: unknown, name: string): string {
  const value = column(row, name)
  if (typeof value !== 'string') throw corrupt(name)
  return value
}

/** Undefined where the row has NULL. */
export const optionalText = (row: unknown, name: string): string | undefined =>
  column(row, name) === null ? undefined : text(row, name)

function scopeOf(row: unknown): ScopeRow {
  const [spent, held] = [integer(row, 'spent'), integer(row, 'held')]
  return { spent, held, requests: integer(row, 'requests'), outputTokens: integer(row, 'output_tokens') }
}

function holdOf(row: unknown): HoldRow {
  const scopes: unknown = JSON.parse(text(row, 'scopes'))
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string')) throw corrupt('scopes')
  const open = integer(row, 'open') === 1
  return { owner: text(row, 'owner'), day: text(row, 'day'), scopes, nano: integer(row, 'nano'), open }
}

function windowOf(stored: string): DayWindow {
  const [day, month, daysLeft] = stored.split(' ')
  if (!day || !month || !Number.isSafeInteger(Number(daysLeft))) throw corrupt('window')
  return { day, month, daysLeft: Number(daysLeft) }
}

const column = (row: unknown, name: string): unknown =>
  typeof row === 'object' && row !== null ? Reflect.get(row, name) : undefined

const corrupt = (name: string): StoreError => new StoreError('corrupt', `the store holds no proper ${name}`)
