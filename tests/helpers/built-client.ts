import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** The client as build.mjs makes it, in a folder of its own. */
export async function buildClient(): Promise<{ dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-client-'))
  const build = `await (await import(${JSON.stringify(resolve('build.mjs'))})).buildClient(${JSON.stringify(dir)})`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', build])
  return { dir, remove: () => rm(dir, { recursive: true }) }
}

/** The same, gone afterwards. */
export async function withBuiltClient(use: (dir: string) => Promise<void>): Promise<void> {
  const { dir, remove } = await buildClient()
  try {
    await use(dir)
  } finally {
    await remove()
  }
}
