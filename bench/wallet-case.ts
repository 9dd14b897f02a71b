import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Emulator, type ScenarioOrder, startEmulator } from '../emulator/emulator.ts'
import { createAssistant } from '../server/chat/assistant.ts'
import { silentLog } from '../server/log.ts'
import { readPersonaFolder } from '../server/persona-files.ts'
import { costNano, pricesOf } from '../server/quota/prices.ts'
import { TOKENS_PER_MESSAGE } from '../server/quota/wallet.ts'
import { initStore } from '../server/stores/open.ts'
import { openCrowd, type Seen } from './wallet-clients.ts'
import { type Bill, judge, type Verdict } from './wallet-days.ts'
import { freePort, startRedis } from './wallet-redis.ts'
import type { Scheme } from './wallet-schemes.ts'
import { type Servers, startServers } from './wallet-servers.ts'

/**
 * `capHolds`: the day's budget in holds of a first question. `killEveryMs`: how long after the last victim is back the
 * next one is killed; undefined: nobody is.
 */
export type Case = {
  scheme: Scheme
  store: 'sqlite' | 'redis'
  processes: number
  killEveryMs?: number
  capHolds: number
  clients: number
  /** Answers at once per process; the default is the server's own. */
  maxStreams?: number
  days: number
  daySeconds: number
  /** What the upstream does; several take turns. */
  orders?: readonly ScenarioOrder[]
  /** The server's program; without it, the sources. */
  program?: readonly string[]
  /** What stands before the processes, on these ports: visitors come through it alone. */
  front?: (ports: readonly number[]) => Promise<Front>
  /** A Redis of the caller's, made ready; without it, one of the bench's own. */
  storeUrl?: string
  /** What happens to the store, once, so long after the first full day began. */
  trouble?: { afterMs: number; cause(): Promise<unknown> }
}
/** `ca`: the certificate of its name, which leads to loopback. */
export type Front = { ws: string; ca: string; close(): Promise<void> }
export type Measured = Verdict & { kills: number; seen: Seen; capNano: number }

const MOST_MS = 15 * 60_000
const PRICES = pricesOf('gemini-3.5-flash-lite')
const LINE = 'La révision complète comprend les freins, la transmission, les roues et un essai. '
/** A long answer in dear words: some 80 ms, and somewhat more than half of what its question sets aside. */
export const ANSWERED: ScenarioOrder = {
  name: 'ok',
  chunks: [2, 4, 6].map((lines) => LINE.repeat(lines)),
  perChunkMs: 25,
  bytesPerToken: 2,
}

/** The limits are off where they would bound what the wallet has to bound. */
const LIMITS_OFF = {
  CONNECTION_ASK_BURST: '10000',
  CONNECTION_ASKS_PER_MINUTE: '100000',
  IP_ASK_BURST: '100000',
  IP_ASKS_PER_MINUTE: '1000000',
  IP_UPGRADE_BURST: '100000',
  IP_UPGRADES_PER_MINUTE: '1000000',
  MAX_CONNECTIONS_PER_IP: '1000',
  MAX_CONNECTIONS: '10000',
  MAX_STREAMS_PER_IP: '2000',
  BUDGET_SHARE_PER_ADDRESS: '1',
  BUDGET_PACING: 'off',
  PROOF_OF_WORK: 'off',
  KNOWLEDGE_FALLBACK: 'off',
  DRAIN_MS: '0',
}

/** Runs one case against the emulator's own books. Loopback only, bounded in time; leaves nothing behind. */
export async function measure(one: Case): Promise<Measured> {
  if (one.days * one.daySeconds * 1000 > MOST_MS) throw new RangeError('longer than a quarter of an hour')
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-wallet-'))
  await writeFile(join(dir, 'index.html'), '<!doctype html><title>page</title>')
  const emulator = await startEmulator({ speed: 0 })
  const closers: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true }), () => emulator.close()]
  try {
    const storeUrl = one.storeUrl ?? (await openStore(one.store, dir, closers))
    const capNano = one.capHolds * (await holdNano())
    const env = {
      ...LIMITS_OFF,
      ...(one.maxStreams !== undefined && { MAX_STREAMS: String(one.maxStreams) }),
      GEMINI_API_KEY: 'key-of-the-bench',
      GEMINI_BASE_URL: emulator.url,
      STORE_URL: storeUrl,
      BUDGET_PER_DAY: (capNano / 1e9).toFixed(9),
      BUDGET_PER_MONTH: '1000000',
      BUDGET_DAY_SECONDS: String(one.daySeconds),
      BENCH_SCHEME: one.scheme,
      BENCH_FILE: join(dir, 'counter.db'),
      BENCH_PAGES: dir,
    }
    const program = one.program ?? ['--import', 'tsx', 'bench/wallet-server.ts']
    const ports = await Promise.all(Array.from({ length: one.processes }, () => (one.front ? freePort() : 0)))
    const front = await one.front?.(ports)
    if (front) closers.push(front.close)
    const servers = await startServers({ args: [...program], env, ports })
    closers.push(servers.end)
    const server = (n: number) => front?.ws ?? servers.url(n)
    const crowd = openCrowd({ count: one.clients, server, ...(front && { ca: front.ca }), random: Math.random })
    closers.push(crowd.leave)
    const bills = await watch(one, emulator, servers.kill)
    return { ...judgeAll(one, bills, capNano), kills: servers.kills, seen: { ...crowd.seen }, capNano }
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

async function openStore(store: Case['store'], dir: string, closers: (() => Promise<unknown>)[]): Promise<string> {
  if (store === 'sqlite') return `sqlite:${join(dir, 'bench.db')}`
  const redis = await startRedis(dir)
  closers.push(redis.end)
  await initStore(redis.url, silentLog)
  return redis.url
}

type Watched = { bills: Bill[]; from: number; to: number }

const judgeAll = ({ daySeconds }: Case, { bills, from, to }: Watched, capNano: number): Verdict =>
  judge(bills, capNano, daySeconds, from, to)

/** Lets the days pass, orders the upstream's moods and the kills, and copies the upstream's books. */
async function watch(one: Case, emulator: Emulator, kill: Servers['kill']): Promise<Watched> {
  const from = Date.now()
  const lengthMs = one.daySeconds * 1000
  // To the end of the last full day, and over midnight.
  const to = (Math.ceil(from / lengthMs) + one.days) * lengthMs + 200
  const orders = one.orders ?? [ANSWERED]
  const book = bookkeeper(emulator)
  let failure: unknown
  const fail = (error: unknown) => {
    failure = error
  }
  const troubled =
    one.trouble &&
    delay(lengthMs - (from % lengthMs) + one.trouble.afterMs)
      .then(one.trouble.cause)
      .catch(fail)
  let nextKill = from + (one.killEveryMs ?? Number.POSITIVE_INFINITY)
  for (let turn = 0; Date.now() < to; turn++) {
    emulator.setScenario(orders[turn % orders.length] ?? null)
    book.read()
    await delay(Math.max(0, Math.min(250, to - Date.now(), nextKill - Date.now())))
    if (Date.now() < nextKill) continue
    nextKill = Number.POSITIVE_INFINITY
    kill(Math.floor(Math.random() * one.processes)).then(() => {
      nextKill = Date.now() + (one.killEveryMs ?? 0)
    }, fail)
  }
  await troubled
  if (failure) throw failure
  book.read()
  return { bills: book.bills, from, to }
}

/** The emulator keeps its latest entries only, so they are copied as they come. */
function bookkeeper(emulator: Emulator): { bills: Bill[]; read(): void } {
  const bills: Bill[] = []
  let last = 0
  return {
    bills,
    read() {
      for (const { id, openedAt, promptTokens, outputTokens, body = '' } of emulator.ledger().entries) {
        if (id <= last) continue
        last = id
        if (!PRICES.ok) throw new Error(PRICES.reason)
        const nano = costNano(PRICES.prices, promptTokens, outputTokens)
        bills.push({ askedAt: askedIn(body) ?? openedAt, at: openedAt, nano })
      }
    },
  }
}

/** When the latest question of a request was asked: the visitors write it into them. */
function askedIn(body: string): number | undefined {
  const times = [...body.matchAll(/\[(\d{13})\]/g)].map(([, time]) => Number(time))
  return times.length === 0 ? undefined : Math.max(...times)
}

/** What a first question sets aside. */
async function holdNano(): Promise<number> {
  const read = await readPersonaFolder('persona')
  if (!read.ok || !PRICES.ok) throw new Error('no persona or no prices')
  const assistant = createAssistant({
    persona: read.persona,
    knowledgeMaxTokens: 2000,
    maxOutputTokens: 800,
    knowledgeFallback: false,
    canary: 'repère-0123456789ab',
    secrets: [],
  })
  const { system, turns } = assistant.request('Combien coûte une révision ?', [], 'fr', Date.now())
  const bytes = turns.reduce((sum, { text }) => sum + Buffer.byteLength(text), Buffer.byteLength(system))
  return costNano(PRICES.prices, bytes + TOKENS_PER_MESSAGE * (turns.length + 1), 800)
}
