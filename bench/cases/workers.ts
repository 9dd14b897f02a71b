import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { startRedis } from '../../tests/helpers/redis.ts'
import { median } from '../children.ts'
import { named, startGenerator } from '../generator.ts'
import { startServer } from '../house.ts'
import type { Job } from '../load/job.ts'
import { cpuMs, watchOthers } from '../machine.ts'
import { cell, doubts } from '../measure.ts'
import type { Bench, Case, Goal } from './case.ts'

const COUNTS = [1, 2, 4]
/** For each process: half as many each would be another load, and its answers share fewer turns of the event loop. */
const STREAMS = 40
const CHUNK_MS = 40
const ANSWER_MS = 8000
const BURST = 20
const ASKS = 60
/** A worker on a core of its own does as much as its share of one core allows. */
const WANTED = 1.8

type Store = { name: string; shared: boolean; url(): Promise<string>; close(): Promise<unknown> }
type Seen = { micros: number[]; admitted: number[] }

/** (j): several processes on one store: what a token costs, and whether the bucket they share stays exact. */
export const workers: Case = async (bench) => {
  const chunks = Array.from({ length: ANSWER_MS / CHUNK_MS }, () => '#;')
  await bench.upstream.scenario({ name: 'ok', chunks, perChunkMs: CHUNK_MS, stamped: true, bytesPerToken: 16 })
  const rows: string[][] = []
  const goals: Goal[] = []
  const others: number[] = []
  for (const open of [nothingShared, sqliteStore, redisStore]) {
    const seen = new Map<number, Seen>(COUNTS.map((count) => [count, { micros: [], admitted: [] }]))
    let name = ''
    let shared = true
    for (let round = 0; round < bench.rounds; round++)
      for (const [count, { micros, admitted }] of seen) {
        const store = await open()
        if (!store) continue
        name = store.name
        shared = store.shared
        const url = await store.url()
        const steady = await under(bench, url, count, {
          at: 'streams',
          streams: STREAMS * count,
          answerMs: ANSWER_MS,
          windowMs: bench.short ? 2000 : 6000,
        })
        micros.push(steady.micros)
        others.push(steady.others)
        if (shared) admitted.push((await under(bench, url, count, { at: 'burst', asks: ASKS })).admitted)
        await store.close()
        bench.progress(`${count} on ${name}: ${steady.micros.toFixed(0)} µs/token`)
      }
    if (name === '') continue
    for (const [count, { micros, admitted }] of seen)
      rows.push([
        `${count} on ${name}`,
        cell(micros, 0),
        `${throughput(seen, count).toFixed(2)} x`,
        shared ? `${[...new Set(admitted)].join(', ')} of ${BURST}` : '',
      ])
    if (shared) goals.push(...goalsOf(name, seen))
  }
  return [
    {
      title: '(j) One, two and four processes on one store',
      note: `CPU of all processes together for each token, at ${STREAMS} streams for each process, and what that says of the throughput: how often the work of one is done with as many cores. Nothing is pinned, and this machine has ${cpus().length} cores for them, the upstream and the generator: so it shows what one more core would bring, not that it is there, and what processes that share nothing cost one another here is what the machine takes. Then ${ASKS} asks of one address at once, at all processes in turn: its bucket holds ${BURST}.`,
      columns: ['', 'CPU, µs per token', 'throughput', 'admitted'],
      rows,
      goals,
      noisy: doubts([], others),
      pictures: {},
    },
  ]
}

/** Of `count` processes, each with a core of its own, against one. */
function throughput(seen: ReadonlyMap<number, Seen>, count: number): number {
  const cost = (count: number) => median(seen.get(count)?.micros ?? [])
  return (count * cost(1)) / cost(count)
}

function goalsOf(name: string, seen: ReadonlyMap<number, Seen>): Goal[] {
  const scale = throughput(seen, 2)
  const admitted = [...seen.values()].flatMap(({ admitted }) => admitted)
  return [
    {
      what: `2 processes on ${name}: throughput by CPU per token`,
      wanted: `>= ${WANTED} x`,
      seen: `${scale.toFixed(2)} x`,
      reached: scale >= WANTED,
    },
    {
      what: `limits with 1, 2 and 4 processes on ${name}`,
      wanted: `${BURST} admitted`,
      seen: [...new Set(admitted)].join(', '),
      reached: admitted.every((count) => count === BURST),
    },
  ]
}

async function under({ upstream }: Bench, storeUrl: string, count: number, job: Job) {
  const bucket = job.at === 'burst' ? { IP_ASK_BURST: String(BURST), IP_ASKS_PER_MINUTE: '0.01' } : {}
  const env = { STORE_URL: storeUrl, ...bucket }
  const servers = await Promise.all(Array.from({ length: count }, () => startServer(upstream.url, env)))
  try {
    const urls = servers.map(({ url }) => url)
    const generator = await startGenerator({ kind: 'ours', urls, upstream: upstream.url, job })
    if (job.at === 'streams') await generator.word(named('begin'))
    const pids = servers.map(({ pid }) => pid)
    const used = () => pids.reduce((sum, pid) => sum + cpuMs(pid), 0)
    const stranger = watchOthers([...pids, generator.pid, upstream.pid])
    const before = used()
    const { tokens = Number.NaN, admitted = Number.NaN } = await generator.word(named('end'))
    const micros = ((used() - before) * 1000) / tokens
    const others = stranger()
    await generator.end()
    return { micros, admitted, others }
  } finally {
    await Promise.all(servers.map(({ end }) => end()))
  }
}

/** To compare with: they have only the machine in common. */
async function nothingShared(): Promise<Store> {
  return { name: 'memory, nothing shared', shared: false, url: async () => 'memory:', close: async () => undefined }
}

async function sqliteStore(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-workers-'))
  const url = async () => `sqlite:${join(folder, 'bench.db')}`
  return { name: 'SQLite', shared: true, url, close: () => rm(folder, { recursive: true, force: true }) }
}

async function redisStore(): Promise<Store | undefined> {
  const redis = await startRedis('--appendfsync', 'everysec')
  if (!redis) return undefined
  const url = async () => {
    await initStore(redis.url, silentLog)
    return redis.url
  }
  return { name: 'Redis', shared: true, url, close: redis.close }
}
