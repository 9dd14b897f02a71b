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
const STREAMS = 80
const CHUNK_MS = 40
const ANSWER_MS = 8000
const BURST = 20
const ASKS = 60
/** A worker on a core of its own does as much as its share of one core allows. */
const WANTED = 1.8

type Store = { name: string; url(): Promise<string>; close(): Promise<unknown> }
type Seen = { micros: number[]; admitted: number[] }

/** (j): several processes on one store: what a token costs, and whether the bucket they share stays exact. */
export const workers: Case = async (bench) => {
  const chunks = Array.from({ length: ANSWER_MS / CHUNK_MS }, () => '#;')
  await bench.upstream.scenario({ name: 'ok', chunks, perChunkMs: CHUNK_MS, stamped: true, bytesPerToken: 16 })
  const rows: string[][] = []
  const goals: Goal[] = []
  const others: number[] = []
  for (const open of [sqliteStore, redisStore]) {
    const seen = new Map<number, Seen>(COUNTS.map((count) => [count, { micros: [], admitted: [] }]))
    let name = ''
    for (let round = 0; round < bench.rounds; round++)
      for (const [count, { micros, admitted }] of seen) {
        const store = await open()
        if (!store) continue
        name = store.name
        const url = await store.url()
        const steady = await under(bench, url, count, {
          at: 'streams',
          streams: STREAMS,
          answerMs: ANSWER_MS,
          windowMs: bench.short ? 2000 : 6000,
        })
        micros.push(steady.micros)
        others.push(steady.others)
        admitted.push((await under(bench, url, count, { at: 'burst', asks: ASKS })).admitted)
        await store.close()
        bench.progress(`${count} on ${name}: ${steady.micros.toFixed(0)} µs/token`)
      }
    if (name === '') continue
    for (const [count, { micros, admitted }] of seen)
      rows.push([`${count} on ${name}`, cell(micros, 0), `${[...new Set(admitted)].join(', ')} of ${BURST}`])
    goals.push(...goalsOf(name, seen))
  }
  return [
    {
      title: '(j) One, two and four processes on one store',
      note: `CPU of all processes together for each token. Nothing is pinned, and this machine has ${cpus().length} cores for them, the upstream and the generator: so it shows what one more core would bring, not that it is there. Then ${ASKS} asks of one address at once, at all processes in turn: its bucket holds ${BURST}.`,
      columns: ['', 'CPU, µs per token', 'admitted'],
      rows,
      goals,
      noisy: doubts([], others),
      pictures: {},
    },
  ]
}

function goalsOf(name: string, seen: ReadonlyMap<number, Seen>): Goal[] {
  const cost = (count: number) => median(seen.get(count)?.micros ?? [])
  const scale = (2 * cost(1)) / cost(2)
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

async function sqliteStore(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-workers-'))
  const url = async () => `sqlite:${join(folder, 'bench.db')}`
  return { name: 'SQLite', url, close: () => rm(folder, { recursive: true, force: true }) }
}

async function redisStore(): Promise<Store | undefined> {
  const redis = await startRedis('--appendfsync', 'everysec')
  if (!redis) return undefined
  const url = async () => {
    await initStore(redis.url, silentLog)
    return redis.url
  }
  return { name: 'Redis', url, close: redis.close }
}
