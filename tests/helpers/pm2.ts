import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const PM2 = resolve('node_modules/pm2/bin/pm2')

export type Described = {
  name: string
  pid: number
  pm_id: number
  pm2_env: {
    status: string
    restart_time: number
    exit_code?: number
    axm_monitor: Record<string, { value: unknown }>
  }
}
export type Pm2 = {
  home: string
  /** Runs a pm2 command, with these variables in its shell; resolves with what it printed. `signal` ends it early. */
  run(args: readonly string[], env?: Record<string, string>, signal?: AbortSignal): Promise<string>
  list(): Promise<Described[]>
  /** Asks for the list until it fits. */
  until(fits: (list: readonly Described[]) => boolean): Promise<Described[]>
  /** What the named app wrote to its log so far. */
  log(name: string, stream?: 'out' | 'error'): Promise<string>
  /** Ends the daemon and all that it started. */
  close(): Promise<void>
}

/** A PM2 of its own, started by its first command. `shell` stands in the environment of the daemon and of every command. */
export async function openPm2(cwd: string, shell: Record<string, string> = {}): Promise<Pm2> {
  const home = await mkdtemp(join(tmpdir(), 'le-mecano-pm2-'))
  const base = { PATH: process.env.PATH, HOME: home, PM2_HOME: home, PM2_DISCRETE_MODE: 'true', ...shell }
  const run: Pm2['run'] = async (args, env = {}, signal) => {
    const options = { cwd, env: { ...base, ...env }, maxBuffer: 64 << 20, signal }
    return (await promisify(execFile)(process.execPath, [PM2, ...args], options)).stdout
  }
  const list = async (): Promise<Described[]> => {
    const printed = await run(['jlist'])
    return JSON.parse(/^\[(?:\]|\{).*$/m.exec(printed)?.[0] ?? '[]')
  }
  // A file that passes its time limit ends without closing.
  const endDaemon = () => {
    try {
      process.kill(Number(readFileSync(join(home, 'pm2.pid'), 'utf8')), 'SIGTERM')
    } catch {}
  }
  process.once('exit', endDaemon)
  return {
    home,
    run,
    list,
    async until(fits) {
      let seen = await list()
      while (!fits(seen)) seen = await list()
      return seen
    },
    log: (name, stream = 'out') => readFile(join(home, `logs/${name}-${stream}.log`), 'utf8'),
    async close() {
      await run(['kill'])
      process.off('exit', endDaemon)
      await rm(home, { recursive: true, force: true })
    },
  }
}
