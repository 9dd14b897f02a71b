import { cpus } from 'node:os'
import { median, percentile } from './children.ts'
import { direct, relayed } from './first-token.ts'
import { openHouse } from './house.ts'

// What relaying adds to the first token: the built server with every limit, the ledger and its log on, beside reading
// the upstream directly. Both are measured in turn, in one run, on loopback.
type Case = { streams: number; rounds: number; goalMs: number }
const CASES: readonly Case[] = [
  { streams: 1, rounds: 150, goalMs: 2 },
  { streams: 100, rounds: 3, goalMs: 20 },
]
const WARM_UP = 20
const SOCKETS = 8
const CHUNKS = 100
const CHUNK_MS = 40

const house = await openHouse()
try {
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}\n`)
  console.log('first token, ms              direct p50   relayed p50   added p50   added p99   goal (added p50)')
  for (const one of CASES) await run(one)
} finally {
  await house.end()
}

async function run({ streams, rounds, goalMs }: Case): Promise<void> {
  // 25 tokens a second each, a chunk of one token every 40 ms; alone, a short answer is enough.
  const chunks = Array.from({ length: streams === 1 ? 5 : CHUNKS }, () => 'mot ')
  const paced = { name: 'ok', chunks, perChunkMs: streams === 1 ? 4 : CHUNK_MS } as const
  await house.scenario(paced)
  const relay = await relayed(house, Math.max(streams, SOCKETS))
  const upstream = direct(house)
  if (streams === 1) await repeat(WARM_UP, async () => void (await Promise.all([relay.ask(1, 0), upstream(1, 0)])))
  const base: number[] = []
  const through: number[] = []
  await repeat(rounds, async () => {
    // Spread over an answer's length, so that each question meets the others' answers on their way.
    const everyMs = (CHUNKS * CHUNK_MS) / streams
    base.push(...(await upstream(streams, everyMs)))
    through.push(...(await relay.ask(streams, everyMs)))
  })
  relay.close()
  const added = (p: number) => percentile(through, p) - percentile(base, p)
  const name = `${streams} stream${streams > 1 ? 's of 25 tokens/s' : ''}`
  const figures = [median(base), median(through), added(50), added(99)].map((ms) => ms.toFixed(2).padStart(11))
  console.log(`${name.padEnd(27)} ${figures.join(' ')}   <= ${goalMs}  ${added(50) <= goalMs ? 'reached' : 'MISSED'}`)
}

async function repeat(times: number, work: () => Promise<void>): Promise<void> {
  for (let i = 0; i < times; i++) await work()
}
