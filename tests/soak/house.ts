import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collectGarbage, inspectorOf } from '../../bench/inspector.ts'
import { openFiles, rssKib } from '../../bench/machine.ts'
import { type BuiltApp, type Ran, runMain } from '../helpers/built-app.ts'
import { parseExposed } from '../helpers/prometheus.ts'
import { exchange, get } from '../helpers/raw-http.ts'
import { freePort } from '../helpers/redis.ts'

/** The built server at one address, over restarts. */
export type House = {
  readonly url: string
  readonly pid: number
  /** How often it was started. */
  readonly life: number
  /** As `systemctl restart` does: SIGTERM, wait until it has drained, start anew. Resolves with its exit code. */
  restart(): Promise<number | string>
  /** Once garbage has been collected. Bytes; and how many files and sockets are open. Needs `inspected`. */
  weigh(): Promise<Weight>
  /** What it has printed that it must not, and how often. */
  errors(): ReadonlyMap<string, number>
  close(): Promise<number | string>
}

export type Weight = { heap: number; rss: number; descriptors: number; connections: number }

/** Everything is on; raised is what so many visitors on few addresses need. */
const SETTINGS = {
  GEMINI_API_KEY: 'key-of-the-soak',
  STORE_URL: 'sqlite:data/le-mecano.db',
  MAX_STREAMS: '1000',
  BUDGET_PER_DAY: '10000',
  BUDGET_PER_MONTH: '100000',
  BUDGET_SHARE_PER_ADDRESS: '1',
  BUDGET_PACING: 'off',
  PROOF_OF_WORK: 'off',
}
const BAD = new Set(['unhandled_rejection', 'uncaught_exception', 'sweep_failed'])
const ERROR = 50

/** `inspected`: with Node's inspector, to have garbage collected; `more` are further settings. */
export async function openHouse(
  app: BuiltApp,
  upstream: string,
  { inspected = false, more = {} }: { inspected?: boolean; more?: Record<string, string> } = {},
): Promise<House> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-soak-'))
  const port = String(await freePort())
  const env = {
    ...SETTINGS,
    PORT: port,
    GEMINI_BASE_URL: upstream,
    PERSONA_DIR: join(app.dir, 'persona'),
    ...(inspected && { NODE_OPTIONS: '--inspect=127.0.0.1:0' }),
    ...more,
  }
  const errors = new Map<string, number>()
  let life = 0
  let ran: Ran
  const start = async () => {
    ran = runMain(app.main, dir, env)
    life++
    await ran.line('listening')
  }
  const stop = async () => {
    ran.kill('SIGTERM')
    const code = await ran.ended
    for (const line of ran.stdout().split('\n')) judge(line, errors)
    return code
  }
  await start()
  return {
    url: `http://127.0.0.1:${port}`,
    get pid() {
      return ran.pid
    },
    get life() {
      return life
    },
    async restart() {
      const code = await stop()
      await start()
      return code
    },
    async weigh() {
      const heap = await collectGarbage(inspectorOf({ complaints: ran.stderr }))
      const connections = await connectionsOf(`http://127.0.0.1:${port}`)
      return { heap, connections, rss: rssKib(ran.pid) * 1024, descriptors: openFiles(ran.pid) }
    },
    errors: () => errors,
    async close() {
      const code = await stop()
      await rm(dir, { recursive: true, force: true })
      return code
    },
  }
}

async function connectionsOf(url: string): Promise<number> {
  const page = get('/metrics').replace('chat.example', '127.0.0.1')
  return parseExposed((await exchange(url, page)).body).value('le_mecano_connections', '') ?? Number.NaN
}

function judge(line: string, errors: Map<string, number>): void {
  if (!line.startsWith('{')) return
  const { event, level }: { event: string; level: number } = JSON.parse(line)
  if (BAD.has(event) || level >= ERROR) errors.set(event, (errors.get(event) ?? 0) + 1)
}
