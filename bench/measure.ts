import { median } from './children.ts'
import type { Contestant } from './contestants.ts'
import { named, startGenerator, type Word } from './generator.ts'
import type { Upstream } from './house.ts'
import type { Job, Load } from './load/job.ts'
import { cpuMs, watchOthers } from './machine.ts'

/** Above these nobody can say what was measured: a part of one core used by strangers, and (max − min) / median. */
const MOST_OTHERS = 0.1
const MOST_SPREAD = 0.3

export type Window = { word: Word; cpuMs: number; others: number }

// So that nobody's first compilations are measured: some hundred answers.
const WARM_UP = { at: 'streams', streams: 20, answerMs: 60, windowMs: 3000 } as const

/** Starts the contestant, warms it up, puts the load on it, and reads its CPU time between `begin` and `end`. */
export async function measureWindow(
  contestant: Contestant,
  upstream: Upstream,
  job: Job,
  env?: Record<string, string>,
): Promise<Window> {
  const server = await contestant.start(upstream.url, env)
  try {
    const load = { kind: contestant.kind, urls: [server.url], upstream: upstream.url, job }
    if (job.at === 'streams') await warmUp(load)
    const generator = await startGenerator(load)
    try {
      await generator.word(named('begin'))
      const others = watchOthers([server.pid, generator.pid, upstream.pid])
      const before = cpuMs(server.pid)
      const word = await generator.word(named('end'))
      const used = cpuMs(server.pid) - before
      return { word, cpuMs: used, others: others() }
    } finally {
      await generator.end()
    }
  } finally {
    await server.end()
  }
}

async function warmUp(load: Load): Promise<void> {
  const generator = await startGenerator({ ...load, job: WARM_UP })
  await generator.word(named('end')).finally(generator.end)
}

/** Medians with what they spread over, and the doubts that come with them. */
export type Series = { name: string; values: number[] }

export function spreadOf(values: readonly number[]): number {
  return values.length < 2 ? 0 : (Math.max(...values) - Math.min(...values)) / Math.abs(median(values))
}

export const cell = (values: readonly number[], digits: number): string =>
  values.length < 2
    ? median(values).toFixed(digits)
    : `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`

export function doubts(series: readonly Series[], others: readonly number[]): string[] {
  const busiest = Math.max(0, ...others)
  return [
    ...(busiest > MOST_OTHERS ? [`other load: up to ${(busiest * 100).toFixed(0)} % of a core`] : []),
    ...series
      .filter(({ values }) => spreadOf(values) > MOST_SPREAD)
      .map(({ name, values }) => `${name}: spread ${(spreadOf(values) * 100).toFixed(0)} % of the median`),
  ]
}
