import { barChart } from '../chart.ts'
import { type Child, median } from '../children.ts'
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
/** Streams to begin with: two thirds of what the contestant has managed at its worst. */
const FIRST = new Map([
  [ours, 240],
  [bare, 200],
  [raw, 500],
  [vercel, 45],
])
const STEP = 1.05
const MOST_STREAMS = 1200
const LATE_STEPS = 4
const ANSWER_MS = 8000
const CHUNK_MS = 40

/** (c): tokens per second that one core forwards until the 99th percentile of added delay passes 50 ms. */
export const capacity: Case = async (bench) => {
  const { upstream, rounds, only, progress } = bench
  const chunks = Array.from({ length: ANSWER_MS / CHUNK_MS }, () => '#;')
  await upstream.scenario({ name: 'ok', chunks, perChunkMs: CHUNK_MS, stamped: true, bytesPerToken: 16 })
  const rates = new Map<Contestant, number[]>(chosen([ours, bare, raw, vercel], only).map((one) => [one, []]))
  for (let round = 0; round < rounds; round++)
    for (const [one, rate] of await climbTogether([...rates.keys()], bench)) {
      progress(`${one.name}: ${rate.toFixed(0)} tokens/s`)
      rates.get(one)?.push(rate)
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
      note: 'Streams of 25 tokens/s. All climb together, step by step in turns: a twentieth more at each, until four in a row are late, each in two of three windows.',
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

type Climber = { one: Contestant; server: Child; streams: number; late: number; best: number }

/** In turns step by step: what this machine does in a good minute and in a bad one differs more than contestants do. */
async function climbTogether(who: readonly Contestant[], bench: Bench): Promise<Map<Contestant, number>> {
  const climbers: Climber[] = []
  const tails: Promise<void>[] = []
  try {
    for (const one of who) {
      const server = await one.start(bench.upstream.url)
      climbers.push({ one, server, streams: FIRST.get(one) ?? 40, late: 0, best: 0 })
    }
    const climbing = () => climbers.filter(({ late, streams }) => late < LATE_STEPS && streams <= MOST_STREAMS)
    do {
      for (const climber of climbing()) tails.push((await climb(climber, bench)).ended)
    } while (!bench.short && climbing().length > 0)
    await Promise.all(tails)
  } finally {
    for (const { server } of climbers) await server.end()
  }
  return new Map(climbers.map(({ one, best }) => [one, best]))
}

/** One step; resolves with what resolves when its last answers have ended. */
async function climb(climber: Climber, { upstream, short, progress }: Bench): Promise<{ ended: Promise<void> }> {
  const { one, server, streams } = climber
  const job = { at: 'step', streams, answerMs: ANSWER_MS, stepMs: short ? 600 : 1500, lateMs: LATE_MS } as const
  const generator = await startGenerator({ kind: one.kind, urls: [server.url], upstream: upstream.url, job })
  const { late = true, rate = 0 } = await generator.word(named('end'))
  progress(`${one.name}, ${streams} streams: ${late ? 'late' : `${rate.toFixed(0)} tokens/s`}`)
  climber.late = late ? climber.late + 1 : 0
  if (!late) climber.best = Math.max(climber.best, rate)
  climber.streams = Math.ceil(streams * STEP)
  return generator
}
