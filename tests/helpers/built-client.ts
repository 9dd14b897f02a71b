import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** The client as build.mjs makes it, in a folder of its own that is gone afterwards. */
export async function withBuiltClient(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-client-'))
  try {
    const build = `await (await import(${JSON.stringify(resolve('build.mjs'))})).buildClient(${JSON.stringify(dir)})`
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', build])
    await use(dir)
  } finally {
    await rm(dir, { recursive: true })
  }
}
