import type { ConversationStore } from '../chat/ports.ts'
import type { Clock } from '../clock.ts'
import type { Prepare, Run } from './sqlite-rows.ts'
import { bytes, integer } from './sqlite-rows.ts'

/** Conversations in two tables: one row per session with its expiry, one per turn. */
export async function sqliteConversations(prepare: Prepare, run: Run, clock: Clock): Promise<ConversationStore> {
  const live = await prepare('SELECT expires FROM sessions WHERE key = ? AND expires > ?')
  const nextTurn = await prepare('SELECT n, blob FROM turns WHERE session = ? AND n > ? ORDER BY n LIMIT 1')
  const slide = await prepare('INSERT OR REPLACE INTO sessions VALUES (?, ?)')
  const putTurn = await prepare('INSERT OR REPLACE INTO turns VALUES (?, ?, ?)')
  const trim = await prepare('DELETE FROM turns WHERE session = ? AND n < ?')
  const dropTurns = await prepare('DELETE FROM turns WHERE session = ?')
  const dropSession = await prepare('DELETE FROM sessions WHERE key = ?')
  const dropExpiredTurns = await prepare(
    'DELETE FROM turns WHERE session IN (SELECT key FROM sessions WHERE expires <= ?)',
  )
  const dropExpired = await prepare('DELETE FROM sessions WHERE expires <= ?')

  const isLive = (key: string): boolean => live.get(key, clock.now()) !== undefined
  const readTurns = (key: string): Uint8Array[] => {
    const blobs: Uint8Array[] = []
    for (let row = nextTurn.get(key, -1); row !== undefined; row = nextTurn.get(key, integer(row, 'n'))) {
      blobs.push(bytes(row, 'blob'))
    }
    return blobs
  }
  return {
    load: (key) => run(false, () => (isLive(key) ? readTurns(key) : undefined)),
    put: (key, n, blob, expiresAt) =>
      run(false, () => {
        // A session that expired before the sweep came starts empty: its old turns are not to come back.
        if (!isLive(key)) dropTurns.run(key)
        putTurn.run(key, n, blob)
        slide.run(key, expiresAt)
      }),
    trim: (key, n) => run(false, () => void trim.run(key, n)),
    erase: (key) =>
      run(true, () => {
        dropTurns.run(key)
        dropSession.run(key)
      }),
    sweep: (now) =>
      run(false, () => {
        dropExpiredTurns.run(now)
        return dropExpired.run(now)
      }),
  }
}
