import type Database from 'libsql/promise'

// What becomes of SQLite's log: it is synced for those who wait for it, and copied back into the file now and then.

// Some 4 MB of log; SQLite's own limit would copy it back inside a commit, on whoever's time that is.
const TRANSACTIONS_PER_CHECKPOINT = 500

export type Checkpointer = Pick<Database, 'exec' | 'close'>
export type SharedSync = { next(): Promise<void>; idle(): Promise<void> }
export type Checkpoints = {
  committed(): void
  /** The second part of a checkpoint is due, for which no step may be under way. */
  readonly unfinished: boolean
  finish(): Promise<void>
  close(): Promise<void>
}

/** A sync that begins after `next` was called; those who wait for one share it. */
export function sharedSync(sync: () => Promise<void>): SharedSync {
  let running: Promise<void> = Promise.resolve()
  let following: Promise<void> | undefined
  return {
    next() {
      following ??= running
        .catch(() => undefined)
        .then(() => {
          following = undefined
          running = sync()
          return running
        })
      return following
    },
    idle: async () => void (await (following ?? running).catch(() => undefined)),
  }
}

/**
 * Copies the log back into the file now and then, on a connection of its own: first all that is there, beside the writers;
 * then, while the lane waits, the little that came meanwhile. A log that is copied whole begins anew at its front; one that
 * never is grows for as long as there is work, and each sync of it is slower for its growing.
 */
export function checkpointer(connect: () => Checkpointer, onUnfinished: () => void): Checkpoints {
  let count = 0
  let connection: Checkpointer | undefined
  let running: Promise<void> | undefined
  let unfinished = false
  let closed = false
  async function checkpoint(): Promise<void> {
    try {
      connection ??= connect()
      await connection.exec('PRAGMA wal_checkpoint(PASSIVE)')
    } catch {
      // The log grows until the next one, which is no harm.
    }
    running = undefined
  }
  const begin = async () => {
    await checkpoint()
    if (closed) return
    unfinished = true
    onUnfinished()
  }
  return {
    committed() {
      count += 1
      if (count % TRANSACTIONS_PER_CHECKPOINT === 0 && !closed) running ??= begin()
    },
    get unfinished() {
      return unfinished && !closed
    },
    async finish() {
      running = checkpoint()
      await running
      unfinished = false
    },
    async close() {
      closed = true
      await running
      connection?.close()
    },
  }
}
