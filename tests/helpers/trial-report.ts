import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Plays every trial under `root` in its long form, then hands the lines of their report to `print`. */
export async function playLong(root: string, print: (lines: string[]) => void): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-trials-'))
  const file = join(dir, 'report')
  try {
    const args = ['--import', 'tsx', 'tests/run.ts', '--root', root, '--limit', '900', ...process.argv.slice(2)]
    const env = { ...process.env, TRIALS_LONG: 'yes', TRIALS_REPORT: file }
    const [code] = await once(spawn(process.execPath, args, { env, stdio: 'inherit' }), 'exit')
    print((await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean))
    process.exitCode = code ?? 1
  } finally {
    await rm(dir, { recursive: true })
  }
}
