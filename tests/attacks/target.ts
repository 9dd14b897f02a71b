import { execFile } from 'node:child_process'
import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Emulator, type LedgerEntry, startEmulator } from '../../emulator/emulator.ts'
import { costNano, pricesOf } from '../../server/quota/prices.ts'
import { type BuiltApp, buildApp, type Ran, runMain } from '../helpers/built-app.ts'
import { type Exposed, parseExposed } from '../helpers/prometheus.ts'
import { exchange, get } from '../helpers/raw-http.ts'

export const KEY = 'AIzaSyCanary-0123456789_abcdefghijklmno'

/** A built server to attack: a process of its own, before an emulator whose ledger alone is believed. */
export type Target = {
  readonly url: string
  readonly emulator: Emulator
  /** Where it was started: data/ is in it, and all that it could give away. */
  readonly dir: string
  readonly pid: number
  /** All that it has printed so far, over restarts. */
  printed(): string
  /** Ends it as kill -9 does. */
  kill(): Promise<void>
  /** Starts it anew on its store; rejects with what it says when it can't start. */
  start(): Promise<void>
  /** Both. */
  restart(): Promise<void>
  /** Its exit code, or the signal that ended it, once it has. */
  ended(): Promise<number | string>
  /** Sets its wall clock off by so many ms; needs `clock` at the start. */
  shift(ms: number): void
  /** What npm run budget prints with these flags, in the server's own environment. */
  budget(...flags: string[]): Promise<string>
  /** What /metrics tells now. */
  exposed(): Promise<Exposed>
  /** One series of it; undefined: there is none. */
  metric(name: string, labels?: string): Promise<number | undefined>
  /** Resident memory in bytes. */
  rss(): Promise<number>
  /** Open file descriptors; undefined: this system doesn't tell. */
  descriptors(): number | undefined
  /** What the upstream has billed so far, in nano-currency. */
  billedNano(): number
  close(): Promise<void>
}
export type TargetOptions = {
  env?: Record<string, string>
  app?: BuiltApp
  clockMs?: number
  dir?: string
  /** A command that the server is started through. */
  through?: readonly string[]
  /** Modules that are loaded before the server. */
  preload?: readonly string[]
}

/** Every limit that an attack doesn't aim at is wide, and every visitor may come from an address of his own. */
const WIDE = {
  PORT: '0',
  STORE_URL: 'sqlite:data/le-mecano.db',
  GEMINI_API_KEY: KEY,
  TRUSTED_PROXIES: 'loopback',
  LOG_LEVEL: 'debug',
  CONNECTION_ASK_BURST: '10000',
  CONNECTION_ASKS_PER_MINUTE: '100000',
  IP_ASK_BURST: '100000',
  IP_ASKS_PER_MINUTE: '1000000',
  IP_UPGRADE_BURST: '100000',
  IP_UPGRADES_PER_MINUTE: '1000000',
  MAX_CONNECTIONS_PER_IP: '10000',
  MAX_STREAMS: '5000',
  MAX_STREAMS_PER_IP: '5000',
  BUDGET_PER_DAY: '1000',
  BUDGET_PER_MONTH: '100000',
  BUDGET_SHARE_PER_ADDRESS: '1',
  BUDGET_PACING: 'off',
  PROOF_OF_WORK: 'off',
  KNOWLEDGE_FALLBACK: 'off',
  DRAIN_MS: '0',
  METRICS_TOKEN: 'a-token-for-looking',
}

const PRICES = pricesOf('gemini-3.5-flash-lite')
const CLOCK = new URL('./shifted-clock.mjs', import.meta.url).href

export async function openTarget(options: TargetOptions = {}): Promise<Target> {
  const app = options.app ?? (await buildApp())
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'le-mecano-attacked-')))
  const emulator = await startEmulator({ speed: 0, key: KEY })
  const clockFile = join(dir, 'clock')
  const shift = (ms: number) => {
    writeFileSync(`${clockFile}.new`, String(ms))
    renameSync(`${clockFile}.new`, clockFile)
  }
  if (options.clockMs !== undefined) shift(options.clockMs)
  const preload = [...(options.clockMs === undefined ? [] : [CLOCK]), ...(options.preload ?? [])]
  const env = {
    ...WIDE,
    GEMINI_BASE_URL: emulator.url,
    PERSONA_DIR: join(app.dir, 'persona'),
    ...(options.clockMs !== undefined && { CLOCK_FILE: clockFile }),
    ...(preload.length > 0 && { NODE_OPTIONS: preload.map((module) => `--import=${module}`).join(' ') }),
    ...options.env,
  }
  const runs: Ran[] = []
  const printed = () => runs.map((ran) => ran.stdout() + ran.stderr()).join('')
  let ran: Ran
  let url = ''
  const start = async () => {
    ran = runMain(app.main, dir, env, options.through)
    runs.push(ran)
    url = String((await ran.line('listening')).url)
  }
  const kill = async () => {
    ran.kill('SIGKILL')
    await ran.ended
  }
  let looks = 0
  // Each look from another address where one may be told, because one address may not look often.
  const from = () => (env.TRUSTED_PROXIES === '' ? [] : [`X-Forwarded-For: 198.19.0.${looks++ % 250}`])
  const exposed = async () => {
    const page = get('/metrics', `Authorization: Bearer ${env.METRICS_TOKEN}`, ...from())
    return parseExposed((await exchange(url, page)).body)
  }
  const metric = async (name: string, labels = '') => (await exposed()).value(name, labels)
  await start().catch(async (cause) => {
    await emulator.close()
    throw cause
  })
  return {
    get url() {
      return url
    },
    get pid() {
      return ran.pid
    },
    emulator,
    dir,
    printed,
    kill,
    start,
    ended: () => ran.ended,
    async restart() {
      await kill()
      await start()
    },
    shift,
    async budget(...flags) {
      const program = join(app.dir, 'dist/server/budget.js')
      const ran = promisify(execFile)(process.execPath, [program, ...flags], {
        cwd: dir,
        env: { PATH: process.env.PATH, ...env },
      })
      return (await ran).stdout
    },
    exposed,
    metric,
    rss: async () => (await metric('process_resident_memory_bytes')) ?? 0,
    descriptors: () => descriptorsOf(ran.pid),
    billedNano: () => emulator.ledger().entries.reduce((sum, entry) => sum + billOf(entry), 0),
    async close() {
      await kill()
      await emulator.close()
      if (!options.dir) await rm(dir, { recursive: true, force: true })
      if (!options.app) await app.remove()
    },
  }
}

/** Looks until its store takes writes: the connection to it comes back by itself. */
export const untilReady = ({ url }: Pick<Target, 'url'>): Promise<void> =>
  until(async () => (await exchange(url, get('/readyz'))).status === 200)

const LOOK_MS = 10
const MOST_LOOKS = 2000

/** Looks again and again at another process, which has no events for us, until it `holds`; not for ever. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let looks = 0; looks < MOST_LOOKS && !(await holds()); looks++) await pause(LOOK_MS)
}

/** What Google would charge for one call, in nano-currency. */
function billOf({ promptTokens, outputTokens }: LedgerEntry): number {
  if (!PRICES.ok) throw new Error(PRICES.reason)
  return costNano(PRICES.prices, promptTokens, outputTokens)
}

function descriptorsOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined
  }
}
