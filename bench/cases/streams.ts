import { barChart } from '../chart.ts'
import { median, percentile } from '../children.ts'
import { all, bare, type Contestant, ours, raw } from '../contestants.ts'
import { onAnyCore } from '../machine.ts'
import { cell, doubts, measureWindow, type Window } from '../measure.ts'
import type { Bench, Case, Goal, Section } from './case.ts'

type Load = { name: string; streams: number; perChunkMs: number; answerMs: number; windowMs: number; anyCore?: true }

const LOADS: readonly Load[] = [
  { name: '1 stream', streams: 1, perChunkMs: 4, answerMs: 60, windowMs: 6000 },
  { name: '1 stream, on any core', streams: 1, perChunkMs: 4, answerMs: 60, windowMs: 6000, anyCore: true },
  { name: '100 streams of 25 tokens/s', streams: 100, perChunkMs: 40, answerMs: 8000, windowMs: 8000 },
  { name: '1,000 streams of 2 tokens/s', streams: 1000, perChunkMs: 500, answerMs: 10_000, windowMs: 8000 },
]
const PACED = { name: '100 streams of 25 tokens/s', streams: 100, perChunkMs: 40, answerMs: 8000, windowMs: 8000 }
/** Reading the upstream itself: what no relay can be faster than. */
const direct: Contestant = { ...bare, name: 'direct', kind: 'direct' }
/** The reserve is durable before the call: what SQLite takes for it on this disk is beside the point of relaying. */
const WANTED_CPU = [
  ['bare ws relay', 0.9],
  ['socket.io', 0.85],
  ['Portkey', 0.8],
  ['AI SDK', 0.55],
] as const

type Rounds = Map<Contestant, Window[]>

/** All contestants in turn, A B A B. */
async function inTurn({ upstream, rounds, short, only, progress }: Bench, load: Load, who: readonly Contestant[]) {
  const chunks = Array.from({ length: Math.round(load.answerMs / load.perChunkMs) }, () => '#;')
  await upstream.scenario({ name: 'ok', chunks, perChunkMs: load.perChunkMs, stamped: true, bytesPerToken: 16 })
  const windows: Rounds = new Map(chosen(who, only).map((one) => [one, []]))
  const job = { at: 'streams', streams: load.streams, answerMs: load.answerMs, windowMs: load.windowMs } as const
  for (let round = 0; round < rounds; round++)
    for (const [one, seen] of windows) {
      const window = await measureWindow(one, upstream, short ? { ...job, windowMs: 2000 } : job)
      progress(`${one.name}, ${load.name}: ${microsPerToken(window).toFixed(0)} µs/token`)
      seen.push(window)
    }
  return windows
}

export const chosen = (who: readonly Contestant[], only: readonly string[]): readonly Contestant[] =>
  only.length === 0 ? who : who.filter(({ name }) => only.includes(name) || name === 'direct')

const microsPerToken = ({ word, cpuMs }: Window): number => (cpuMs * 1000) / (word.tokens ?? Number.NaN)
const firstMs = ({ word }: Window, p: number): number => percentile(word.firsts ?? [], p)

/** (a): the first token, above reading the upstream directly in the same round. */
export const firstToken: Case = async (bench) => {
  const sections: Section[] = []
  for (const load of LOADS) {
    const measured = () => firstTokenUnder(bench, load)
    sections.push(await (load.anyCore ? onAnyCore(measured) : measured()))
  }
  return sections
}

async function firstTokenUnder(bench: Bench, load: Load): Promise<Section> {
  const windows = await inTurn(bench, load, [direct, ...all])
  const base = windows.get(direct) ?? []
  const added = (one: Contestant, p: number) =>
    (windows.get(one) ?? []).map((window, round) => firstMs(window, p) - firstMs(base[round] ?? window, p))
  const rows = [...windows.keys()].map((one) => {
    const failed = (windows.get(one) ?? []).reduce((sum, { word }) => sum + (word.failed ?? 0), 0)
    return [one.name, ...[50, 99].map((p) => cell(added(one, p), 2)), failed > 0 ? `${failed} failed` : '']
  })
  const [mine, floor] = [added(ours, 50), added(bare, 50)].map(median)
  const goals: Goal[] =
    load.streams > 100 || mine === undefined || floor === undefined || Number.isNaN(floor)
      ? []
      : [
          {
            what: `first token added, p50, ${load.name}`,
            wanted: load.anyCore ? `<= ${WANTED_MS} ms` : '<= bare relay + the reserve',
            seen: `${mine.toFixed(2)} ms; bare relay ${floor.toFixed(2)} ms`,
            reached: mine <= (load.anyCore ? WANTED_MS : floor + RESERVE_MS),
          },
        ]
  const slug = load.name.replace(/[^a-z0-9]+/gi, '-')
  const bars = [...windows.keys()].filter((one) => one !== direct).map((one) => barOf(one, added(one, 50)))
  return {
    title: `(a) First token added over reading the upstream directly: ${load.name}`,
    columns: ['', 'p50, ms', 'p99, ms', ''],
    rows,
    goals,
    noisy: doubts(
      [],
      [...windows.values()].flat().map(({ others }) => others),
    ),
    pictures: { [`first-token-${slug}.svg`]: barChart(`First token added, p50: ${load.name}`, 'ms', bars) },
  }
}

/** Where nothing is held back for the measurement. */
const WANTED_MS = 2
/** What a durable reserve may take, as the quota case measures it on SQLite. */
const RESERVE_MS = 0.5

export const barOf = (one: Contestant, values: readonly number[]) => ({
  name: one.name,
  value: Math.max(0, median(values)),
  low: Math.max(0, Math.min(...values)),
  high: Math.max(0, ...values),
  ours: one === ours,
})

/** (b): what one forwarded token costs the server's process. */
export const cpuPerToken: Case = async (bench) => {
  const windows = await inTurn(bench, PACED, all)
  const micros = (one: Contestant) => (windows.get(one) ?? []).map(microsPerToken)
  const rows = [...windows].map(([one, seen]) => [
    one.name,
    cell(micros(one), 0),
    cell(
      seen.map(({ word }) => word.delayP50 ?? Number.NaN),
      1,
    ),
    cell(
      seen.map(({ word }) => word.delayP99 ?? Number.NaN),
      1,
    ),
    cell(
      seen.map(({ word }) => (word.tokens ?? 0) / ((word.ms ?? 1) / 1000)),
      0,
    ),
  ])
  const mine = median(micros(ours))
  const goals = WANTED_CPU.flatMap(([name, ratio]): Goal[] => {
    const other = all.find((one) => one.name === name)
    if (!other || !windows.has(other) || !windows.has(ours)) return []
    const seen = mine / median(micros(other))
    return [
      {
        what: `CPU per token against ${name}`,
        wanted: `<= ${ratio}`,
        seen: seen.toFixed(2),
        reached: seen <= ratio,
      },
    ]
  })
  const series = [...windows.keys()].map((one) => ({ name: one.name, values: micros(one) }))
  return [
    {
      title: `(b) CPU per forwarded token, ${PACED.name}`,
      note: `The least that Node can do is the ${raw.name}'s.`,
      columns: ['', 'CPU, µs per token', 'delay p50, ms', 'delay p99, ms', 'tokens/s'],
      rows,
      goals,
      noisy: doubts(
        series,
        [...windows.values()].flat().map(({ others }) => others),
      ),
      pictures: {
        'cpu-per-token.svg': barChart(
          'CPU per forwarded token',
          'µs',
          series.map(({ name, values }) => barOf(all.find((one) => one.name === name) ?? ours, values)),
        ),
      },
    },
  ]
}
