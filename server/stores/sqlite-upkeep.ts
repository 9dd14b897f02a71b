import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import Database from 'libsql/promise'
import { StoreError } from './port.ts'

const PATIENCE_MS = 10_000
const COPY = /-\d{4}-\d\d-\d\dT[\d-]+Z\.db$/

/**
 * Copies the log back into the file and empties it. False: a reader was in the way for ten seconds, and part of it stays.
 * Rejects when the file can't be opened.
 */
export async function emptyLog(file: string): Promise<boolean> {
  const db = new Database(file, { timeout: PATIENCE_MS })
  try {
    const row: unknown = (await db.prepare('PRAGMA wal_checkpoint(TRUNCATE)')).get([])
    return typeof row === 'object' && row !== null && Reflect.get(row, 'busy') === 0
  } finally {
    db.close()
  }
}

/**
 * Writes a checked copy of the store, while others write to it, into `folder` (made 0700; the caller's umask gives the
 * file's rights) and keeps the newest `keep`. It has the books and no conversation: these would outlive their time in it.
 * Returns its path. Rejects with a StoreError when the copy is damaged.
 */
export async function backUp(file: string, folder: string, keep: number, at: Date): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const name = `${frontOf(file)}${at.toISOString().replace(/[:.]/g, '-')}.db`
  // A name of its own until it is whole: who looks for the newest copy must not find half of one.
  const unfinished = join(folder, `.${name}`)
  await copyWhole(file, unfinished)
  await rename(unfinished, join(folder, name))
  for (const old of (await copiesIn(folder, file)).slice(0, -keep)) await rm(join(folder, old))
  return join(folder, name)
}

/** The newest copy of `file` in `folder`, and when it was made (epoch ms); undefined: there is none. */
export async function newestCopy(file: string, folder: string): Promise<{ path: string; at: number } | undefined> {
  const name = (await copiesIn(folder, file).catch(() => [])).at(-1)
  if (name === undefined) return undefined
  const [, day, hour, minute, second] = /(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-\d{3}Z\.db$/.exec(name) ?? []
  return { path: join(folder, name), at: Date.parse(`${day}T${hour}:${minute}:${second}Z`) }
}

/**
 * Takes what has expired out of the files that a restore of `file` put aside: nobody serves them, so nobody sweeps them.
 * Returns those that can't be read.
 */
export async function sweepAsides(file: string, now: number): Promise<string[]> {
  const names = (await readdir(dirname(file))).filter((name) => ASIDE.test(name) && name.startsWith(basename(file)))
  const unread: string[] = []
  for (const path of names.map((name) => join(dirname(file), name))) {
    const swept = await sweepAside(path, now).then(
      () => true,
      () => false,
    )
    if (!swept) unread.push(path)
  }
  return unread
}

const ASIDE = /\.before-[\dTZ-]+$/
// A deleted row's bytes stay in the file until it is written anew.
const EXPIRED = [
  'DELETE FROM turns WHERE session IN (SELECT key FROM sessions WHERE expires <= ?)',
  'DELETE FROM sessions WHERE expires <= ?',
  'DELETE FROM questions WHERE expires <= ?',
]

async function sweepAside(path: string, now: number): Promise<void> {
  const db = new Database(path, { timeout: PATIENCE_MS })
  try {
    // One file, without a log that would keep what is deleted.
    await (await db.prepare('PRAGMA journal_mode=DELETE')).get([])
    let swept = 0
    for (const sql of EXPIRED) swept += (await (await db.prepare(sql)).run([now])).changes
    if (swept > 0) await db.exec('VACUUM')
  } finally {
    db.close()
  }
}

const frontOf = (file: string) => `${basename(file, '.db')}-`

/** The names of its copies, oldest first. */
const copiesIn = async (folder: string, file: string): Promise<string[]> =>
  (await readdir(folder)).filter((each) => each.startsWith(frontOf(file)) && COPY.test(each)).sort()

async function copyWhole(file: string, to: string): Promise<void> {
  await rm(to, { force: true })
  const source = new Database(file, { timeout: PATIENCE_MS })
  try {
    const copy = await source.prepare('VACUUM INTO ?')
    copy.run([to])
  } finally {
    source.close()
  }
  const copy = new Database(to, { timeout: PATIENCE_MS })
  await copy.exec('DELETE FROM turns; DELETE FROM sessions; DELETE FROM questions; VACUUM')
  const row: unknown = (await copy.prepare('PRAGMA integrity_check')).get([])
  copy.close()
  if (typeof row === 'object' && row !== null && Reflect.get(row, 'integrity_check') === 'ok') return
  await rm(to)
  throw new StoreError('corrupt', `the copy of ${file} is damaged, so the store is: see docs/recover.md`)
}
