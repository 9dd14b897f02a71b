import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../../server/clock.ts'
import { silentLog } from '../../server/log.ts'
import type { LedgerStore, ReserveOrder } from '../../server/quota/ledger.ts'
import { initStore, openStore } from '../../server/stores/open.ts'
import type { Store } from '../../server/stores/port.ts'
import { startRedis } from '../../tests/helpers/redis.ts'
import { median, percentile } from '../children.ts'
import type { Case, Goal } from './case.ts'

// What the books cost a question: reserve and settle one after the other; then 200 questions a second, each with all
// that it asks of the store (buckets, reserve, tighten, settle, two turns), beside the longest block of the event loop.
const PAIRS = 3000
const WARM_UP = 5000
const QUESTIONS_PER_SECOND = 200
const SECONDS = 5
const BLOCK_GOAL_MS = 5

const caps = { dayNano: 1e15, monthNano: 1e15 }
const rule = { name: 'ask', burst: 100_000, perMinute: 1_000_000 }
let ids = 0

const order = (): ReserveOrder => {
  const id = `hold-${++ids}`
  const key = `address:192.0.2.${ids % 50}`
  const scopes = [
    { cause: 'share', key, capNano: 1e15 },
    { cause: 'newcomers', key: '', capNano: 1e15, own: { key, times: 2 }, rushNano: 1e15 },
  ] as const
  const day = { day: '2026-01-15', month: '2026-01', daysLeft: 17, at: Date.now(), hour: 12 }
  return { ...day, id, owner: 'bench', nano: 4_000_000, caps, scopes }
}
const cost = { nano: 1_000_000, outputTokens: 100, overrun: false }

/** Booked, and it survives a power cut. */
async function booked(ledger: LedgerStore, wanted: ReserveOrder): Promise<void> {
  const reserved = await ledger.reserve(wanted)
  if (reserved.ok) await reserved.durable
}

async function pairs({ ledger }: Store): Promise<number[]> {
  const times: number[] = []
  for (let pair = 0; pair < WARM_UP + PAIRS; pair++) {
    const wanted = order()
    const began = performance.now()
    await booked(ledger, wanted)
    await ledger.settle(wanted.id, cost)
    if (pair >= WARM_UP) times.push((performance.now() - began) * 1000)
  }
  return times
}

async function question({ buckets, ledger, conversations }: Store, times: number[]): Promise<void> {
  const wanted = order()
  const session = `session-${ids % 100}`
  const began = performance.now()
  await buckets.take([
    { rule, key: session },
    { rule, key: wanted.id },
  ])
  await booked(ledger, wanted)
  await conversations.put(session, ids % 50, new Uint8Array(300), Date.now() + 3_600_000)
  times.push((performance.now() - began) * 1000)
  await pause(20)
  await ledger.tighten(wanted.id, 2_000_000)
  await ledger.settle(wanted.id, cost)
  await conversations.put(session, ids % 50, new Uint8Array(1500), Date.now() + 3_600_000)
}

/** Times to admission in µs, and the longest block in ms. */
async function load(ask: (times: number[]) => Promise<void>): Promise<{ times: number[]; blockMs: number }> {
  const times: number[] = []
  const asked: Promise<void>[] = []
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  while (asked.length < QUESTIONS_PER_SECOND * SECONDS) {
    const due = ((performance.now() - began) / 1000) * QUESTIONS_PER_SECOND
    while (asked.length < due) asked.push(ask(times))
    await pause(4)
  }
  delay.disable()
  await Promise.all(asked)
  // The histogram counts its own resolution in.
  return { times, blockMs: delay.max / 1e6 - 1 }
}

type Measured = { name: string; goalUs: number; pairs: number[]; toAdmission: number[]; blockMs: number }

async function measure(name: string, goalUs: number, url: string): Promise<Measured> {
  const store = await openStore(url, { clock: systemClock, log: silentLog })
  const times = await pairs(store)
  const loaded = await load((times) => question(store, times))
  await store.close()
  return { name, goalUs, pairs: times, toAdmission: loaded.times, blockMs: loaded.blockMs }
}

/** (i): what the books cost a question, on each store. */
export const quota: Case = async ({ progress }) => {
  const idle = await load(() => pause(20))
  const measured = [await measure('memory', 20, 'memory:')]
  const folder = await mkdtemp(join(tmpdir(), 'bench-quota-'))
  measured.push(await measure('SQLite', 500, `sqlite:${join(folder, 'bench.db')}`))
  await rm(folder, { recursive: true })
  const redis = await startRedis('--appendfsync', 'everysec')
  if (redis) {
    await initStore(redis.url, silentLog)
    measured.push(await measure('Redis', 500, redis.url))
    await redis.close()
  }
  for (const { name, pairs } of measured) progress(`quota, ${name}: ${median(pairs).toFixed(0)} µs`)
  const figures = (times: readonly number[]) => [50, 99].map((p) => percentile(times, p).toFixed(0))
  return [
    {
      title: '(i) Quota per question and store',
      note: `Reserve and settle with all scopes, one after the other; then ${QUESTIONS_PER_SECOND} questions/s with all that each asks of the store. With no store at all this machine's longest block was ${idle.blockMs.toFixed(1)} ms.`,
      columns: ['', 'reserve + settle p50, µs', 'p99, µs', 'to admission p50, µs', 'p99, µs', 'longest block, ms'],
      rows: measured.map((one) => [
        one.name,
        ...figures(one.pairs),
        ...figures(one.toAdmission),
        one.blockMs.toFixed(1),
      ]),
      goals: measured.map(
        ({ name, goalUs, pairs }): Goal => ({
          what: `quota per question, ${name}`,
          wanted: `<= ${goalUs} µs`,
          seen: `${median(pairs).toFixed(0)} µs`,
          reached: median(pairs) <= goalUs,
        }),
      ),
      noisy: idle.blockMs > BLOCK_GOAL_MS ? [`the machine itself blocks for ${idle.blockMs.toFixed(1)} ms`] : [],
      pictures: {},
    },
  ]
}
