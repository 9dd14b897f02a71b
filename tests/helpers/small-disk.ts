import { execFile } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { notify } from './runner-notices.ts'

type DiskOptions = {
  /** Full but for so many bytes. */
  left?: number
  readOnly?: boolean
}

/** A command that mounts a disk of so many bytes at `place`, for what it becomes alone. */
export function onSmallDisk(place: string, bytes: number, { left, readOnly = false }: DiskOptions = {}): string[] {
  const steps = [
    `mount -t tmpfs -o size=${bytes} tmpfs "$0"`,
    ...(left === undefined ? [] : [`head -c ${bytes - left} /dev/zero >"$0/rest"`]),
    ...(readOnly ? ['mount -o remount,ro "$0"'] : []),
    'exec "$@"',
  ]
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', steps.join(' && '), place]
}

/** Whether such a disk can be had; the runner counts a skip where it can't. */
export async function requireSmallDisk(): Promise<boolean> {
  const [program = '', ...args] = onSmallDisk(tmpdir(), 65_536, { left: 0 })
  const may = await promisify(execFile)(program, [...args, 'true']).then(
    () => true,
    () => false,
  )
  if (!may)
    notify({ type: 'missing', tool: 'A disk to be filled', command: 'run the tests where unshare may mount one' })
  return may
}

const PIECE = Buffer.alloc(4096)

/** Fills the disk that process `pid` sees at `place` but for `left` bytes; returns how to make room again. */
export function fillDisk(pid: number, place: string, left = 0): () => void {
  const rest = `/proc/${pid}/root${place}/rest`
  const file = openSync(rest, 'w')
  try {
    for (;;) writeSync(file, PIECE)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
  ftruncateSync(file, Math.max(0, fstatSync(file).size - left))
  closeSync(file)
  return () => rmSync(rest)
}
