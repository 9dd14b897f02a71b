import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StoreError } from './port.ts'

/** What the admin can do, by the beginning of the system's or SQLite's code. */
const REMEDIES: readonly [codes: RegExp, remedy: string][] = [
  [
    /^(EACCES|EPERM|EROFS|SQLITE_READONLY|SQLITE_CANTOPEN|SQLITE_PERM)/,
    'this user may not write there: give it the folder and the file (chown), or name another path',
  ],
  [
    /^(EISDIR|EEXIST|ENOTDIR)/,
    'a folder is there in place of the file, or a file in place of a folder: name another path',
  ],
  [
    /^(SQLITE_NOTADB|SQLITE_CORRUPT)/,
    'it is damaged, or no SQLite file: put a copy back (docs/recover.md), or name another path',
  ],
  [/^SQLITE_BUSY/, 'another program holds it locked: end that program'],
]
const FULL = /^(ENOSPC|EDQUOT|SQLITE_FULL)/
/** Ten times what a new store takes. */
const ROOM_BYTES = 1_000_000

/** Why the store in this file can't be opened, in a sentence that says what to do. */
export async function cannotOpen(file: string, cause: unknown): Promise<StoreError> {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const reason = cause instanceof Error ? cause.message : 'unknown'
  // Where SQLite's shared memory doesn't fit any more, it speaks of an I/O error.
  if (FULL.test(code) || (code.startsWith('SQLITE_IOERR') && (await hasNoRoom(file))))
    return new StoreError('full', `the disk that holds ${file} is full: make room there (df -h)`)
  const remedy = REMEDIES.find(([codes]) => codes.test(code))?.[1] ?? 'see docs/recover.md'
  return new StoreError('cannot_open', `the store ${file} can't be opened (${reason}): ${remedy}`)
}

async function hasNoRoom(file: string): Promise<boolean> {
  const disk = await statfs(dirname(file)).catch(() => undefined)
  return disk !== undefined && disk.bavail * disk.bsize < ROOM_BYTES
}
