import type { ConversationStore } from '../chat/ports.ts'
import type { Clock } from '../clock.ts'
import { StoreError } from './port.ts'
import type { Memo, Prepare, Run } from './sqlite-rows.ts'
import { bytes, integer, optionalText } from './sqlite-rows.ts'

type SessionRow = { expires: number; owner: string | undefined }
export type ConversationParts = { prepare: Prepare; run: Run; memo: Memo<SessionRow>; clock: Clock; self: string }

/** Conversations in two tables: one row per session with its expiry and owner, one per turn. */
export async function sqliteConversations(parts: ConversationParts): Promise<ConversationStore> {
  const { prepare, run, memo, clock, self } = parts
  const find = await prepare('SELECT expires, owner FROM sessions WHERE key = ?')
  const own = await prepare('UPDATE sessions SET owner = ? WHERE key = ?')
  const disown = await prepare('UPDATE sessions SET owner = NULL WHERE key = ? AND owner = ?')
  const nextTurn = await prepare('SELECT n, blob FROM turns WHERE session = ? AND n > ? ORDER BY n LIMIT 1')
  const slide = await prepare('INSERT OR REPLACE INTO sessions (key, expires, owner) VALUES (?, ?, ?)')
  const putTurn = await prepare('INSERT OR REPLACE INTO turns VALUES (?, ?, ?)')
  const trim = await prepare('DELETE FROM turns WHERE session = ? AND n < ?')
  const dropTurns = await prepare('DELETE FROM turns WHERE session = ?')
  const dropSession = await prepare('DELETE FROM sessions WHERE key = ?')
  const dropExpiredTurns = await prepare(
    'DELETE FROM turns WHERE session IN (SELECT key FROM sessions WHERE expires <= ?)',
  )
  const dropExpired = await prepare('DELETE FROM sessions WHERE expires <= ?')

  const stored = (key: string): SessionRow | undefined => {
    const row = find.get(key)
    return row === undefined ? undefined : { expires: integer(row, 'expires'), owner: optionalText(row, 'owner') }
  }
  const rowOf = (key: string): SessionRow | undefined => {
    const row = memo.get(key) ?? stored(key)
    if (row) memo.set(key, row)
    return row && row.expires > clock.now() ? row : undefined
  }
  const slideTo = (key: string, expires: number) => {
    slide.run(key, expires, self)
    memo.set(key, { expires, owner: self })
  }
  /** The process that has it and isn't this one. */
  const elsewhere = (owner: string | undefined): string | undefined => (owner === self ? undefined : owner)
  const readTurns = (key: string): Uint8Array[] => {
    const blobs: Uint8Array[] = []
    for (let row = nextTurn.get(key, -1); row !== undefined; row = nextTurn.get(key, integer(row, 'n'))) {
      blobs.push(bytes(row, 'blob'))
    }
    return blobs
  }
  return {
    load: (key, gone) =>
      run(false, () => {
        const row = rowOf(key)
        if (!row) return undefined
        const owner = elsewhere(row.owner)
        if (owner !== undefined && owner !== gone) return { at: 'elsewhere', owner }
        if (row.owner !== self) own.run(self, key)
        memo.set(key, { ...row, owner: self })
        return { at: 'here', blobs: readTurns(key) }
      }),
    put: (key, n, blob, expiresAt) =>
      run(false, () => {
        const row = rowOf(key)
        if (elsewhere(row?.owner) !== undefined) return false
        // A session that expired before the sweep came starts empty: its old turns are not to come back.
        if (!row) dropTurns.run(key)
        putTurn.run(key, n, blob)
        if (row?.owner !== self || row.expires !== expiresAt) slideTo(key, expiresAt)
        return true
      }),
    trim: (key, n) => run(false, () => void trim.run(key, n)),
    erase: (key) =>
      run(true, () => {
        if (elsewhere(rowOf(key)?.owner) !== undefined)
          throw new StoreError('elsewhere', 'another process has the session')
        dropTurns.run(key)
        dropSession.run(key)
        memo.delete(key)
      }),
    leave: (key) =>
      run(false, () => {
        disown.run(key, self)
        memo.delete(key)
      }),
    sweep: (now) =>
      run(false, () => {
        memo.clear()
        dropExpiredTurns.run(now)
        return dropExpired.run(now)
      }),
  }
}
