import { mkdir, open, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import Database from 'libsql/promise'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Book } from '../quota/book.ts'
import type { Tats } from '../quota/bucket.ts'
import { toMicros } from '../quota/bucket.ts'
import type { BookStore } from '../quota/ledger-report.ts'
import { ledgerOn } from '../quota/ledger-report.ts'
import { tokenBuckets, tokensOn } from '../quota/token-bucket.ts'
import { hiding, newPeerId, newSalt } from './hide.ts'
import type { Lane } from './lane.ts'
import { BUSY_MS, execWaiting, openLane } from './lane.ts'
import type { Store } from './port.ts'
import { StoreError } from './port.ts'
import { migrations } from './schema.ts'
import { secretsOn } from './secrets.ts'
import { sqliteConversations } from './sqlite-conversations.ts'
import { sqliteDiary } from './sqlite-diary.ts'
import { type OpenPeers, sqlitePeers } from './sqlite-peers.ts'
import { sqliteQuestions } from './sqlite-questions.ts'
import type { BookMemos, Prepare } from './sqlite-rows.ts'
import { integer, remembering, sqliteBook, sqliteTats } from './sqlite-rows.ts'
import { cannotOpen } from './sqlite-trouble.ts'
import { witnessOf } from './sqlite-witness.ts'

const READABLE_BY_OTHERS = 0o077

/**
 * A store in one file, shared by any number of processes of one machine. The folder is made 0700, the file 0600.
 * Rejects with a StoreError whose sentence says what is wrong. Times come from the wall clock, which processes share.
 */
export async function sqliteStore(path: string, clock: Clock, log: Log): Promise<Store> {
  const file = resolve(path)
  const { db, inode } = await openFile(file, log)
  try {
    await execWaiting(db, 'PRAGMA journal_mode=WAL')
    await migrate(db, file)
    const self = newPeerId()
    return await assemble(db, clock, { file, inode, self, peers: sqlitePeers(file, self, log) })
  } catch (cause) {
    db.close()
    throw cause instanceof StoreError ? cause : await cannotOpen(file, cause)
  }
}

type Opened = { file: string; inode: number; self: string; peers: OpenPeers }

async function assemble(db: Database, clock: Clock, { file, inode, self, peers }: Opened): Promise<Store> {
  const prepare = prepareOn(db)
  const log = await open(`${file}-wal`, 'r')
  const connect = () => new Database(file, { timeout: BUSY_MS })
  const lane = closable(await openLane({ db, prepare, connect, sync: () => log.datasync() }))
  const rows = await sqliteTats(prepare, { tats: lane.memo(), due: lane.memo() })
  const memos = { scopes: lane.memo(), facts: lane.memo(), holds: lane.memo() } satisfies BookMemos
  const book = remembering(await sqliteBook(prepare), memos)
  const hide = hiding(await lane.run(true, () => saltOf(book)))
  const probe = await prepare("INSERT OR REPLACE INTO facts VALUES ('probe', '')")
  const tokens = tokensOn((step) =>
    lane.run(false, () => {
      const now = toMicros(clock.now())
      rows.sweep(now)
      return step(hidden(rows, hide), now)
    }),
  )
  const now = () => clock.now()
  const witness = witnessOf(file, now)
  const run: BookStore['run'] = (durable, step) => lane.run(durable, () => step(book))
  const runAhead: BookStore['runAhead'] = (step) => lane.runAhead(() => step(book))
  const ledger = witness.beside(ledgerOn({ run, runAhead }, { now, hide }))
  const seen = () => run(false, (book) => Number(book.fact('seen') ?? 0))
  if (await witness.contradicts(seen)) await ledger.halt('restored')
  return {
    kind: 'sqlite',
    tokens,
    buckets: tokenBuckets(tokens),
    ledger,
    conversations: await sqliteConversations({ prepare, run: lane.run, memo: lane.memo(), clock, self }),
    peers,
    secrets: secretsOn((step) => lane.run(true, () => step(book))),
    diary: await sqliteDiary(prepare, lane.run),
    questions: await sqliteQuestions(prepare, lane.run, clock),
    async ready() {
      try {
        await lane.run(false, () => probe.run())
        // Writes still succeed on a file that was deleted or replaced, and are lost with the process.
        return (await stat(file)).ino === inode
      } catch {
        return false
      }
    },
    async close() {
      if (!(await lane.close())) return
      await peers.close()
      await log.close()
      await db.exec('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => undefined)
      db.close()
    },
  }
}

function saltOf(book: Pick<Book, 'fact' | 'putFact'>): string {
  const salt = book.fact('salt') ?? newSalt()
  book.putFact('salt', salt)
  return salt
}

/** TATs under hashed keys: `ip-ask:192.0.2.1` tells who was here. */
const hidden = (tats: Tats, hide: (name: string) => string): Tats => ({
  get: (key) => tats.get(hide(key)),
  set: (key, tat) => tats.set(hide(key), tat),
  delete: (key) => tats.delete(hide(key)),
})

/** A lane that can be shut: `close` waits for what is under way, and is false from the second call on. */
function closable(lane: Lane): Omit<Lane, 'close'> & { close(): Promise<boolean> } {
  let open = true
  return {
    run: async (durable, step) => {
      if (!open) throw new StoreError('closed', 'the store is closed')
      return lane.run(durable, step)
    },
    runAhead: async (step) => {
      if (!open) throw new StoreError('closed', 'the store is closed')
      return lane.runAhead(step)
    },
    memo: () => lane.memo(),
    async close() {
      const first = open
      open = false
      if (first) await lane.close()
      return first
    },
  }
}

async function openFile(file: string, log: Log): Promise<{ db: Database; inode: number }> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const handle = await open(file, 'a', 0o600)
    const { ino, mode } = await handle.stat()
    await handle.close()
    if ((mode & READABLE_BY_OTHERS) !== 0) log.warn('store_readable_by_others')
    return { db: new Database(file, { timeout: BUSY_MS }), inode: ino }
  } catch (cause) {
    throw await cannotOpen(file, cause)
  }
}

async function migrate(db: Database, file: string): Promise<void> {
  const prepare = prepareOn(db)
  await execWaiting(db, 'BEGIN IMMEDIATE')
  const version = integer((await prepare('PRAGMA user_version')).get(), 'user_version')
  const tables = integer((await prepare('SELECT count(*) AS n FROM sqlite_master')).get(), 'n')
  if (version > migrations.length) {
    const versions = `version ${version}, this program knows ${migrations.length}`
    throw new StoreError(
      'newer',
      `${file} was written by a newer version of this program (${versions}): update the program, or put a copy from before back (docs/recover.md)`,
    )
  }
  if (version === 0 && tables > 0)
    throw new StoreError('corrupt', `${file} is a SQLite file of another program: name another path`)
  // What a migration removes is not to be read from the file's free pages.
  await db.exec('PRAGMA secure_delete=ON')
  for (const sql of migrations.slice(version)) await db.exec(sql)
  // Always written: the log then exists, and can be synced.
  await db.exec(`PRAGMA user_version=${migrations.length}`)
  await db.exec('COMMIT')
  await db.exec('PRAGMA secure_delete=OFF')
}

/** Statements whose `get` and `run` are synchronous: only preparing, BEGIN and COMMIT leave the event loop. */
export function prepareOn(db: Database): Prepare {
  return async (sql) => {
    const statement = await db.prepare(sql)
    return {
      get: (...values): unknown => statement.get(values),
      run: (...values) => integer(statement.run(values), 'changes'),
    }
  }
}
