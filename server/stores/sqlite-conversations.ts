import type { ConversationStore } from '../chat/ports.ts'
import type { Clock } from '../clock.ts'
import { StoreError } from './port.ts'
import type { Prepare, Run } from './sqlite-rows.ts'
import { bytes, integer, optionalText } from './sqlite-rows.ts'

export type ConversationParts = { prepare: Prepare; run: Run; clock: Clock; self: string }

/** Conversations in two tables: one row per session with its expiry and owner, one per turn. */
export async function sqliteConversations(parts: ConversationParts): Promise<ConversationStore> {
  const { prepare, run, clock, self } = parts
  const live = await prepare('SELECT owner FROM sessions WHERE key = ? AND expires > ?')
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

  const rowOf = (key: string): { owner: string | undefined } | undefined => {
    const row = live.get(key, clock.now())
    return row === undefined ? undefined : { owner: optionalText(row, 'owner') }
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
        return { at: 'here', blobs: readTurns(key) }
      }),
    put: (key, n, blob, expiresAt) =>
      run(false, () => {
        const row = rowOf(key)
        if (elsewhere(row?.owner) !== undefined) return false
        // A session that expired before the sweep came starts empty: its old turns are not to come back.
        if (!row) dropTurns.run(key)
        putTurn.run(key, n, blob)
        slide.run(key, expiresAt, self)
        return true
      }),
    trim: (key, n) => run(false, () => void trim.run(key, n)),
    erase: (key) =>
      run(true, () => {
        if (elsewhere(rowOf(key)?.owner) !== undefined)
          throw new StoreError('elsewhere', 'another process has the session')
        dropTurns.run(key)
        dropSession.run(key)
      }),
    leave: (key) => run(false, () => void disown.run(key, self)),
    sweep: (now) =>
      run(false, () => {
        dropExpiredTurns.run(now)
        return dropExpired.run(now)
      }),
  }
}
