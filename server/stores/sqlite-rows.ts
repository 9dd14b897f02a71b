import type { Tats } from '../quota/bucket.ts'
import type { Book, DayWindow, HoldRow } from '../quota/ledger.ts'
import { sharePrefix } from '../quota/ledger.ts'
import { StoreError } from './port.ts'

export type Value = string | number | Uint8Array
/** A prepared statement of this connection. Both calls throw what SQLite reports. */
export type Statement = { get(...values: Value[]): unknown; run(...values: Value[]): number }
export type Prepare = (sql: string) => Promise<Statement>

/** Statements on the buckets; `sweep` drops a few that are full again. */
export async function sqliteTats(prepare: Prepare): Promise<Tats & { sweep(now: number): void }> {
  const get = await prepare('SELECT tat FROM buckets WHERE key = ?')
  const set = await prepare('INSERT INTO buckets VALUES (?, ?) ON CONFLICT DO UPDATE SET tat = excluded.tat')
  const remove = await prepare('DELETE FROM buckets WHERE key = ?')
  const sweep = await prepare(
    'DELETE FROM buckets WHERE key IN (SELECT key FROM buckets WHERE tat <= ? ORDER BY tat LIMIT 8)',
  )
  return {
    get(key) {
      const row = get.get(key)
      return row === undefined ? undefined : integer(row, 'tat')
    },
    set: (key, tat) => void set.run(key, tat),
    delete: (key) => void remove.run(key),
    sweep: (now) => void sweep.run(now),
  }
}

/** Statements on the ledger. */
export async function sqliteBook(prepare: Prepare): Promise<Book> {
  const getScope = await prepare('SELECT * FROM scopes WHERE key = ?')
  const putScope = await prepare('INSERT OR REPLACE INTO scopes VALUES (?, ?, ?, ?, ?)')
  const getHold = await prepare('SELECT * FROM holds WHERE id = ?')
  const putHold = await prepare('INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?, ?, ?)')
  const getFact = await prepare('SELECT value FROM facts WHERE name = ?')
  const putFact = await prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)')
  const dropFact = await prepare('DELETE FROM facts WHERE name = ?')
  const pruneHolds = await prepare('DELETE FROM holds WHERE day < ?')
  const pruneShares = await prepare('DELETE FROM scopes WHERE key >= ? AND key < ?')
  const fact = (name: string): string | undefined => {
    const row = getFact.get(name)
    return row === undefined ? undefined : text(row, 'value')
  }
  return {
    scope(key) {
      const row = getScope.get(key)
      if (row === undefined) return undefined
      const [spent, held] = [integer(row, 'spent'), integer(row, 'held')]
      return { spent, held, requests: integer(row, 'requests'), outputTokens: integer(row, 'output_tokens') }
    },
    putScope: (key, row) => void putScope.run(key, row.spent, row.held, row.requests, row.outputTokens),
    hold(id) {
      const row = getHold.get(id)
      return row === undefined ? undefined : holdOf(row)
    },
    putHold: (id, day, { owner, scopes, nano, open }) =>
      void putHold.run(id, day, owner, JSON.stringify(scopes), nano, open ? 1 : 0),
    window() {
      const stored = fact('window')
      return stored === undefined ? undefined : windowOf(stored)
    },
    putWindow: ({ day, month, daysLeft }) => void putFact.run('window', `${day} ${month} ${daysLeft}`),
    halt: () => fact('halt'),
    putHalt: (cause) => void (cause === undefined ? dropFact.run('halt') : putFact.run('halt', cause)),
    prune(day) {
      pruneHolds.run(day)
      pruneShares.run(sharePrefix, `${sharePrefix}${day}`)
    },
  }
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

function holdOf(row: unknown): HoldRow {
  const scopes: unknown = JSON.parse(text(row, 'scopes'))
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string')) throw corrupt('scopes')
  return { owner: text(row, 'owner'), scopes, nano: integer(row, 'nano'), open: integer(row, 'open') === 1 }
}

function windowOf(stored: string): DayWindow {
  const [day, month, daysLeft] = stored.split(' ')
  if (!day || !month || !Number.isSafeInteger(Number(daysLeft))) throw corrupt('window')
  return { day, month, daysLeft: Number(daysLeft) }
}

const column = (row: unknown, name: string): unknown =>
  typeof row === 'object' && row !== null ? Reflect.get(row, name) : undefined

const corrupt = (name: string): StoreError => new StoreError('corrupt', `the store holds no proper ${name}`)
