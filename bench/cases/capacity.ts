import { barChart } from '../chart.ts'
import { median } from '../children.ts'
import { bare, type Contestant, ours, raw, vercel } from '../contestants.ts'
import { named, startGenerator } from '../generator.ts'
import { cell, doubts, spreadOf } from '../measure.ts'
import type { Bench, Case, Goal } from './case.ts'
import { barOf, chosen } from './streams.ts'

const WANTED = [
  [bare, 1.25],
  [vercel, 2.5],
] as const
const LATE_MS = 50
/** Streams to begin with: half of what the contestant has managed at its worst, or a climb would take ten minutes. */
const FIRST = new Map([
  [ours, 200],
  [bare, 170],
  [raw, 500],
  [vercel, 30],
])
const ANSWER_MS = 8000
const CHUNK_MS = 40

/** (c): tokens per second that one core forwards until the 99th percentile of added delay passes 50 ms. */
export const capacity: Case = async (bench) => {
  const { upstream, rounds, only, short, progress } = bench
  const chunks = Array.from({ length: ANSWER_MS / CHUNK_MS }, () => '#;')
  await upstream.scenario({ name: 'ok', chunks, perChunkMs: CHUNK_MS, stamped: true, bytesPerToken: 16 })
  const rates = new Map<Contestant, number[]>(chosen([ours, bare, raw, vercel], only).map((one) => [one, []]))
  for (let round = 0; round < rounds; round++)
    for (const [one, seen] of rates) {
      const rate = await climb(one, bench, short ? 600 : 1500)
      progress(`${one.name}: ${rate.toFixed(0)} tokens/s`)
      seen.push(rate)
    }
  const rate = (one: Contestant) => median(rates.get(one) ?? [])
  const goals = WANTED.filter(([one]) => rates.has(one) && rates.has(ours)).map(
    ([one, ratio]): Goal => ({
      what: `tokens/s per core against ${one.name}`,
      wanted: `>= ${ratio}`,
      seen: (rate(ours) / rate(one)).toFixed(2),
      reached: rate(ours) >= ratio * rate(one),
    }),
  )
  const spread = [...rates].map(([{ name }, values]) => ({ name, values }))
  return [
    {
      title: `(c) Tokens per second and core until the p99 of added delay passes ${LATE_MS} ms`,
      note: 'Streams of 25 tokens/s, a twentieth more at each step, until four steps in a row are late, each in two of three windows.',
      columns: ['', 'tokens/s'],
      rows: [...rates].map(([{ name }, values]) => [name, cell(values, 0)]),
      goals,
      noisy: doubts(
        spread.filter(({ values }) => spreadOf(values) > 0),
        [],
      ),
      pictures: {
        'capacity.svg': barChart(
          'Tokens per second on one core, p99 of delay <= 50 ms',
          'tokens/s',
          [...rates].map(([one, values]) => barOf(one, values)),
        ),
      },
    },
  ]
}

async function climb(one: Contestant, { upstream }: Bench, stepMs: number): Promise<number> {
  const server = await one.start(upstream.url)
  try {
    const streams = FIRST.get(one) ?? 40
    const job = { at: 'ramp', streams, most: 1200, answerMs: ANSWER_MS, stepMs, lateMs: LATE_MS } as const
    const generator = await startGenerator({ kind: one.kind, urls: [server.url], upstream: upstream.url, job })
    const { rate = Number.NaN } = await generator.word(named('end'))
    await generator.end()
    return rate
  } finally {
    await server.end()
  }
}
