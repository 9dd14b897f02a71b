import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import Database from 'libsql/promise'
import { StoreError } from './port.ts'
import { migrations } from './schema.ts'
import { integer } from './sqlite-rows.ts'
import { tellWitness } from './sqlite-witness.ts'

const PATIENCE_MS = 1000

/**
 * Puts a copy in the place of the store `file`, which nobody may have open. What was there is kept; returns its path,
 * undefined when there was nothing. The witness hears of `at`, so the store is halted until the admin accepts it.
 * Rejects with a StoreError, and has changed nothing, when the copy is none that serves or the store is in use.
 */
export async function restore(copy: string, file: string, at: Date): Promise<string | undefined> {
  if (!(await isThere(copy))) throw new StoreError('cannot_open', `there is no ${copy}`)
  const wasThere = await isThere(file)
  if (wasThere && (await realpath(copy)) === (await realpath(file)))
    throw new StoreError('cannot_open', `${copy} is the store itself`)
  const fresh = join(dirname(file), `.${basename(file)}.restoring`)
  try {
    await writeWhole(copy, fresh)
    if (wasThere) await closeWhole(file)
    // Before the copy is there: without a witness it would be taken for what it is not.
    await tellWitness(file, at.getTime())
    const aside = wasThere ? await putAside(file, at) : undefined
    await rename(fresh, file)
    await sync(dirname(file))
    return aside
  } finally {
    await rm(fresh, { force: true })
  }
}

/** The copy as one checked file, on the disk; the caller's umask gives its rights. */
async function writeWhole(copy: string, to: string): Promise<void> {
  await rm(to, { force: true })
  const db = new Database(copy, { readonly: true })
  try {
    const version = integer(await (await db.prepare('PRAGMA user_version')).get([]), 'user_version')
    if (version > migrations.length)
      throw new StoreError('newer', `${copy} was written by a newer version of this program: update it first`)
    const checked: unknown = await (await db.prepare('PRAGMA integrity_check')).get([])
    if (Reflect.get(Object(checked), 'integrity_check') !== 'ok') throw damaged(copy)
    if (version === 0) throw new StoreError('corrupt', `${copy} is no copy of a store`)
    const vacuum = await db.prepare('VACUUM INTO ?')
    await vacuum.run([to])
  } catch (cause) {
    throw cause instanceof StoreError ? cause : unreadable(copy, cause)
  } finally {
    db.close()
  }
  await sync(to)
}

/** Brings its log into the file, which only works where nobody else has it open. */
async function closeWhole(file: string): Promise<void> {
  const db = new Database(file, { timeout: PATIENCE_MS })
  try {
    await (await db.prepare('PRAGMA journal_mode=DELETE')).get([])
  } catch (cause) {
    // A damaged one is kept as it is, with its log.
    if (codeOf(cause) === 'SQLITE_BUSY')
      throw new StoreError(
        'cannot_open',
        `${file} is open: stop the server first (systemctl stop le-mecano, or pm2 stop le-mecano)`,
      )
  } finally {
    db.close()
  }
}

async function putAside(file: string, at: Date): Promise<string> {
  const aside = `${file}.before-${at.toISOString().replace(/[:.]/g, '-')}`
  for (const part of ['', '-wal', '-shm'])
    if (await isThere(`${file}${part}`)) await rename(`${file}${part}`, `${aside}${part}`)
  return aside
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  await handle.sync().finally(() => handle.close())
}

const damaged = (copy: string) => new StoreError('corrupt', `${copy} is damaged: take an older copy`)

function unreadable(copy: string, cause: unknown): StoreError {
  const code = codeOf(cause)
  if (code === 'SQLITE_CORRUPT') return damaged(copy)
  if (code === 'SQLITE_NOTADB') return new StoreError('corrupt', `${copy} is no copy of a store`)
  return new StoreError('cannot_open', `${copy} can't be put back: ${cause instanceof Error ? cause.message : code}`)
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown'
