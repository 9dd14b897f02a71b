import { median } from '../children.ts'
import { bare, type Contestant, ours, socketio } from '../contestants.ts'
import { named, startGenerator } from '../generator.ts'
import { collectGarbage, inspectorOf } from '../inspector.ts'
import { cpuMs, openFilesMost, rssKib } from '../machine.ts'
import { cell, doubts, measureWindow } from '../measure.ts'
import type { Bench, Case, Goal } from './case.ts'
import { chosen } from './streams.ts'

const COUNTS = [1000, 10_000, 25_000]
const ADDRESSES = 8
const MEMORY_GOAL_KIB = 12
/** What our server keeps besides its sockets at this many streams: for them, for other connections and for itself. */
const OTHER_FILES = 1200
const MOST_STREAMS = '100'

/** (d): memory per idle, greeted connection, once garbage has been collected. */
export const memory: Case = async (bench) => {
  const most = openFilesMost() - OTHER_FILES
  const wanted = bench.short ? [200, 1000] : COUNTS
  const counts = [...new Set(wanted.map((count) => Math.min(count, most)))]
  const rows: string[][] = []
  let flat: { slope: number; least: number } | undefined
  for (const one of chosen([ours, bare], bench.only)) {
    const kib = await hold(one, bench, counts)
    bench.progress(`${one.name}: ${kib.map((each) => each.toFixed(1)).join(', ')} KiB`)
    rows.push([one.name, ...kib.map((each) => each.toFixed(1))])
    if (one === ours) flat = { slope: kib.at(-1) ?? Number.NaN, least: kib[1] ?? Number.NaN }
  }
  const short = counts.length < wanted.length || (counts.at(-1) ?? 0) < (wanted.at(-1) ?? 0)
  return [
    {
      title: '(d) Memory per idle connection with its session, KiB',
      note: `Resident memory above that of the fresh server, after a collection${short ? `; this machine lets a process open ${most + OTHER_FILES} files, so 25,000 could not be tried` : ''}.`,
      columns: ['', ...counts.map((count) => `${count.toLocaleString('en')} connections`)],
      rows,
      goals: flat
        ? [
            {
              what: `memory per idle connection, ${counts.at(-1)?.toLocaleString('en')} connections`,
              wanted: `<= ${MEMORY_GOAL_KIB} KiB`,
              seen: `${flat.slope.toFixed(1)} KiB`,
              reached: flat.slope <= MEMORY_GOAL_KIB,
            },
          ]
        : [],
      noisy: [],
      pictures: {},
    },
  ]
}

async function hold(one: Contestant, { upstream }: Bench, counts: readonly number[]): Promise<number[]> {
  const caps = { MAX_CONNECTIONS: String(Math.max(...counts)), MAX_STREAMS: MOST_STREAMS }
  const server = await one.start(upstream.url, { ...caps, NODE_OPTIONS: '--inspect=127.0.0.1:0' })
  try {
    const inspector = inspectorOf(server)
    await collectGarbage(inspector)
    const before = rssKib(server.pid)
    const job = { at: 'idle', counts, addresses: ADDRESSES, holdMs: 4000 } as const
    const generator = await startGenerator({ kind: one.kind, urls: [server.url], upstream: upstream.url, job })
    const perConnection: number[] = []
    for (const count of counts) {
      await generator.word((word) => word.at === 'count' && word.count === count)
      await collectGarbage(inspector)
      perConnection.push((rssKib(server.pid) - before) / count)
    }
    await generator.end()
    return perConnection
  } finally {
    await server.end()
  }
}

/** (e): connections opened, upgraded, greeted and closed. */
export const upgrades: Case = async ({ upstream, rounds, only, short, progress }) => {
  const job = { at: 'upgrades', atOnce: 32, windowMs: short ? 1000 : 5000 } as const
  const seen = new Map<Contestant, { rate: number[]; micros: number[] }>(
    chosen([ours, bare, socketio], only).map((one) => [one, { rate: [], micros: [] }]),
  )
  const others: number[] = []
  for (let round = 0; round < rounds; round++)
    for (const [one, { rate, micros }] of seen) {
      const window = await measureWindow(one, upstream, job)
      const { count = Number.NaN, ms = Number.NaN } = window.word
      rate.push(count / (ms / 1000))
      micros.push((window.cpuMs * 1000) / count)
      others.push(window.others)
      progress(`${one.name}: ${(count / (ms / 1000)).toFixed(0)} upgrades/s`)
    }
  const series = [...seen].map(([{ name }, { micros }]) => ({ name, values: micros }))
  return [
    {
      title: '(e) Upgrades per second',
      note: 'Opened, greeted and closed, 32 at a time, by one generator on a core of its own, which is the slower part.',
      columns: ['', 'upgrades/s', 'CPU, µs each'],
      rows: [...seen].map(([{ name }, { rate, micros }]) => [name, cell(rate, 0), cell(micros, 0)]),
      goals: [],
      noisy: doubts(series, others),
      pictures: {},
    },
  ]
}

const ANSWER = { chunks: 8000, marks: [200, 2000, 6000, 7800] }

/** (f): the cost of a chunk late in a long answer against the first ones. */
export const longAnswers: Case = async ({ upstream, rounds, short, progress }) => {
  const scale = short ? 0.1 : 1
  const marks = ANSWER.marks.map((mark) => mark * scale)
  const chunks = Array.from({ length: ANSWER.chunks * scale }, () => '#;')
  await upstream.scenario({ name: 'ok', chunks, perChunkMs: 2, stamped: true, bytesPerToken: 16 })
  const ratios: number[] = []
  const [earlies, lates]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const server = await ours.start(upstream.url)
    const job = { at: 'long', streams: 4, marks, chunks: chunks.length } as const
    const generator = await startGenerator({ kind: 'ours', urls: [server.url], upstream: upstream.url, job })
    const at: { cpu: number; tokens: number }[] = []
    for (let i = 0; i < marks.length; i++) {
      const { tokens = 0 } = await generator.word(
        ({ at: kind, tokens = 0 }) => kind === 'mark' && tokens >= (marks[i] ?? 0) * job.streams,
      )
      at.push({ cpu: cpuMs(server.pid), tokens })
    }
    await generator.word(named('end'))
    await generator.end()
    await server.end()
    const cost = (from: number) =>
      (((at[from + 1]?.cpu ?? 0) - (at[from]?.cpu ?? 0)) * 1000) /
      ((at[from + 1]?.tokens ?? 0) - (at[from]?.tokens ?? 0))
    earlies.push(cost(0))
    lates.push(cost(2))
    ratios.push(cost(2) / cost(0))
    progress(`long answers: ${cost(0).toFixed(0)} µs a chunk at first, ${cost(2).toFixed(0)} at last`)
  }
  const ratio = median(ratios)
  const goal: Goal = {
    what: 'cost per chunk at the end of 8,000 against the beginning',
    wanted: '<= 1.1',
    seen: ratio.toFixed(2),
    reached: ratio <= 1.1,
  }
  return [
    {
      title: '(f) Long answers: 8,000 chunks, four at a time, 500 chunks/s each',
      columns: ['chunks', 'CPU, µs per chunk'],
      rows: [
        [`${marks[0]} to ${marks[1]}`, cell(earlies, 0)],
        [`${marks[2]} to ${marks[3]}`, cell(lates, 0)],
      ],
      goals: [goal],
      noisy: doubts([{ name: 'cost of a chunk', values: lates }], []),
      pictures: {},
    },
  ]
}
