import type Database from 'libsql/promise'

/** `durable` survives a power cut once it resolves; else only the end of the process. */
export type Lane = {
  /** Runs `step` inside a transaction that it may share with its neighbours. Rejects when that is rolled back. */
  run<T>(durable: boolean, step: () => T): Promise<T>
  /** Resolves once nothing is under way. */
  idle(): Promise<void>
}

type Job = { durable: boolean; step(): void; done(): void; failed(cause: unknown): void }

// Some 3 ms of statements: what is left goes into the next transaction, and the event loop turns in between.
const JOBS_PER_TRANSACTION = 32
const BUSY_ATTEMPTS = 100

/** SQLite's own wait for a lock, in ms. Short, because it blocks one of the few threads that the owner may need. */
export const BUSY_MS = 50

/** Runs SQL that takes a lock, waiting about five seconds for it in all. */
export async function execWaiting(db: Database, sql: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await db.exec(sql))
    } catch (cause) {
      const busy = cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY')
      if (!busy || attempt === BUSY_ATTEMPTS) throw cause
    }
  }
}

/**
 * One writer for one connection: what comes in while the lock is awaited shares a transaction, so a burst pays for one
 * fsync. Waiting for the lock and the fsync happen off the event loop; the statements between run in microseconds.
 */
export function openLane(db: Database): Lane {
  const queue: Job[] = []
  let working: Promise<void> | undefined

  async function work(): Promise<void> {
    while (queue.length > 0) await transaction()
    working = undefined
  }

  async function transaction(): Promise<void> {
    const durable = queue.some((job) => job.durable)
    try {
      await execWaiting(db, `PRAGMA synchronous=${durable ? 'FULL' : 'NORMAL'}; BEGIN IMMEDIATE`)
    } catch (cause) {
      for (const job of queue.splice(0)) job.failed(cause)
      return
    }
    // What came while waiting joins, unless it asks for more durability than this transaction has.
    const batch = take((job) => durable || !job.durable)
    const broken = firstBroken(batch)
    const refused =
      broken ??
      (await db.exec('COMMIT').then(
        () => undefined,
        (cause: unknown) => ({ cause }),
      ))
    if (!refused) {
      for (const job of batch) job.done()
      return
    }
    await db.exec('ROLLBACK').catch(() => undefined)
    // A step that threw fails alone; its neighbours were rolled back with it and run again.
    if (broken) queue.unshift(...batch.filter((job) => job !== broken.job))
    for (const job of broken ? [broken.job] : batch) job.failed(refused.cause)
  }

  function firstBroken(batch: readonly Job[]): { job: Job; cause: unknown } | undefined {
    for (const job of batch) {
      try {
        job.step()
      } catch (cause) {
        return { job, cause }
      }
    }
    return undefined
  }

  function take(fits: (job: Job) => boolean): Job[] {
    const end = queue.findIndex((job, index) => index === JOBS_PER_TRANSACTION || !fits(job))
    return queue.splice(0, end < 0 ? queue.length : end)
  }

  return {
    run(durable, step) {
      return new Promise((resolve, failed) => {
        let finish = (): void => undefined
        const job: Job = {
          durable,
          step() {
            const value = step()
            finish = () => resolve(value)
          },
          done: () => finish(),
          failed,
        }
        queue.push(job)
        working ??= work()
      })
    },
    async idle() {
      await working
    },
  }
}
