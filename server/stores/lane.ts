import { setImmediate as turn } from 'node:timers/promises'
import type Database from 'libsql/promise'
import type { Prepare, Statement } from './sqlite-rows.ts'
import { type Checkpointer, type Checkpoints, checkpointer, type SharedSync, sharedSync } from './write-log.ts'

/** `durable` survives a power cut once it resolves; else only the end of the process. */
export type Lane = {
  /** Runs `step` inside a transaction that it may share with its neighbours. Rejects when that is rolled back. */
  run<T>(durable: boolean, step: () => T): Promise<T>
  /** A durable step whose value is told once it is committed; it survives a power cut once `durable` resolves. */
  runAhead<T>(step: () => T): Promise<{ value: T; durable: Promise<void> }>
  /**
   * What steps have read and written, by key, for the next steps: emptied when another connection has written since, when
   * a transaction was rolled back, and when it has grown large. To be used inside steps only.
   */
  memo<V>(): Map<string, V>
  /** Waits until nothing is under way, and lets go of what the lane opened. */
  close(): Promise<void>
}

type Job = {
  durable: boolean
  step(): void
  /** Its transaction was committed, and survives a power cut once `synced` resolves. */
  committed(synced: Promise<void>): void
  failed(cause: unknown): void
}

// Some 3 ms of statements: what is left goes into the next transaction, and the event loop turns in between.
const JOBS_PER_TRANSACTION = 32
const BUSY_ATTEMPTS = 100
const MOST_REMEMBERED = 10_000

/** SQLite's own wait for a lock, in ms. Short, because it blocks one of the few threads that the owner may need. */
export const BUSY_MS = 50

/** Runs SQL that takes a lock, waiting about five seconds for it in all. */
export async function execWaiting(db: Database, sql: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await db.exec(sql))
    } catch (cause) {
      if (!isBusy(cause) || attempt === BUSY_ATTEMPTS) throw cause
    }
  }
}

/** What the lane needs of its file: `connect` opens it once more, `sync` makes what was written survive a power cut. */
export type LaneParts = { db: Database; prepare: Prepare; connect(): Checkpointer; sync(): Promise<void> }

/**
 * One writer for one connection. A transaction writes to the log in memory, so it runs at once, in tens of microseconds;
 * what may wait, for a lock, a sync or a checkpoint, waits off the event loop, and shares the next one of these.
 */
export async function openLane(parts: LaneParts): Promise<Lane> {
  // NORMAL syncs before a checkpoint only; what is to be durable is synced by hand, beside the next transactions.
  await parts.db.exec('PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=NORMAL')
  const { prepare } = parts
  const impatient = await prepare('PRAGMA busy_timeout=0')
  impatient.get()
  return new SqliteLane(parts, {
    begin: await prepare('BEGIN IMMEDIATE'),
    commit: await prepare('COMMIT'),
    version: await prepare('PRAGMA data_version'),
    impatient,
    patient: await prepare(`PRAGMA busy_timeout=${BUSY_MS}`),
  })
}

class SqliteLane implements Lane {
  readonly #db: Database
  readonly #sql: LaneSql
  readonly #queue: Job[] = []
  readonly #checkpoints: Checkpoints
  readonly #syncs: SharedSync
  readonly #memos: Map<string, unknown>[] = []
  #version: unknown
  #working: Promise<void> | undefined
  /** A rollback was refused: its transaction may still be open, and no other could begin. */
  #stuck = false

  constructor({ db, connect, sync }: LaneParts, sql: LaneSql) {
    this.#db = db
    this.#sql = sql
    this.#checkpoints = checkpointer(connect, () => (this.#working ??= this.#work()))
    this.#syncs = sharedSync(sync)
  }

  async run<T>(durable: boolean, step: () => T): Promise<T> {
    const told = await this.#ask(durable, step)
    if (durable) await told.durable
    return told.value
  }

  runAhead<T>(step: () => T): Promise<{ value: T; durable: Promise<void> }> {
    return this.#ask(true, step)
  }

  #ask<T>(durable: boolean, step: () => T): Promise<{ value: T; durable: Promise<void> }> {
    return new Promise((resolve, failed) => {
      let committed = (_synced: Promise<void>): void => undefined
      const made = () => {
        const value = step()
        committed = (synced) => resolve({ value, durable: synced })
      }
      this.#queue.push({ durable, step: made, committed: (synced) => committed(synced), failed })
      this.#working ??= this.#work()
    })
  }

  memo<V>(): Map<string, V> {
    const memo = new Map<string, V>()
    this.#memos.push(memo)
    return memo
  }

  async close(): Promise<void> {
    await this.#working
    await this.#syncs.idle()
    await this.#checkpoints.close()
  }

  async #work(): Promise<void> {
    // A moment later, so that what is asked for in one go shares a transaction.
    await Promise.resolve()
    while (this.#queue.length > 0 || this.#checkpoints.unfinished) {
      if (this.#checkpoints.unfinished) await this.#checkpoints.finish()
      else await this.#transaction()
      if (this.#queue.length > 0) await turn()
    }
    this.#working = undefined
  }

  async #transaction(): Promise<void> {
    try {
      if (this.#stuck) await this.#rollBack()
      if (!this.#began()) await this.#beginWaiting()
      this.#stuck = false
      this.#recall()
    } catch (cause) {
      // It may have begun all the same, and would keep everybody else out.
      await this.#rollBack()
      for (const job of this.#queue.splice(0)) job.failed(cause)
      return
    }
    const batch = this.#queue.splice(0, JOBS_PER_TRANSACTION)
    const broken = firstBroken(batch)
    const refused = broken ?? this.#committed()
    if (!refused) return this.#finish(batch)
    await this.#rollBack()
    // A step that threw fails alone; its neighbours were rolled back with it and run again.
    if (broken) this.#queue.unshift(...batch.filter((job) => job !== broken.job))
    for (const job of broken ? [broken.job] : batch) job.failed(refused.cause)
  }

  /** SQLite often has done so by itself, and then refuses. */
  async #rollBack(): Promise<void> {
    this.#forget()
    await this.#db.exec('ROLLBACK').catch(() => (this.#stuck = true))
  }

  /** The number changes when another connection has written, never by what this one writes. */
  #recall(): void {
    const row = this.#sql.version.get()
    const version: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, 'data_version') : undefined
    if (version === undefined || version !== this.#version) this.#forget()
    this.#version = version
    for (const memo of this.#memos) if (memo.size > MOST_REMEMBERED) memo.clear()
  }

  #forget(): void {
    for (const memo of this.#memos) memo.clear()
  }

  #finish(batch: readonly Job[]): void {
    const synced = batch.some((job) => job.durable) ? this.#syncs.next() : Promise.resolve()
    // Who waits for it hears of it; nobody may, when a step was told ahead.
    synced.catch(() => undefined)
    for (const job of batch) job.committed(synced)
  }

  /** Without waiting: a lock that another process holds is waited for off the event loop. */
  #began(): boolean {
    try {
      this.#sql.begin.run()
      return true
    } catch (cause) {
      if (isBusy(cause)) return false
      throw cause
    }
  }

  async #beginWaiting(): Promise<void> {
    this.#sql.patient.get()
    await execWaiting(this.#db, 'BEGIN IMMEDIATE').finally(() => this.#sql.impatient.get())
    try {
      // Refused as busy it counts as still running, and nothing could commit; refused again it has ended.
      this.#sql.begin.run()
    } catch {}
  }

  #committed(): { cause: unknown } | undefined {
    try {
      this.#sql.commit.run()
      this.#checkpoints.committed()
      return undefined
    } catch (cause) {
      return { cause }
    }
  }
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

type LaneSql = Record<'begin' | 'commit' | 'version' | 'impatient' | 'patient', Statement>

const isBusy = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY')
