import { setTimeout as pause } from 'node:timers/promises'
import type { Job, Load } from './job.ts'
import { createEars, type Ears, keepAsking, openClients } from './streams.ts'

export type Say = (word: Record<string, unknown>) => void
type JobOf<At extends Job['at']> = Extract<Job, { at: At }>

/** A window of steady load: `begin` and `end` are said at its edges. */
export async function steady(load: Load, job: JobOf<'streams'>, say: Say): Promise<void> {
  const ears = createEars()
  const { stop } = await keepAsking(await openClients(load, job.streams), ears, job.answerMs)
  await pause(500)
  ears.forget()
  say({ at: 'begin' })
  await pause(job.windowMs)
  say({ at: 'end', ...ears.read() })
  stop()
}

const WINDOWS = 3
const LATE_STEPS = 4
const STEP = 1.05

/**
 * A twentieth more streams at each step, until the 99th percentile of four steps in a row is late. A step is late when most of its
 * windows are: one pause of anybody's garbage collector is no limit.
 */
export async function ramp(load: Load, job: JobOf<'ramp'>, say: Say): Promise<void> {
  const ears = createEars()
  let streams = 0
  let late = 0
  let best = 0
  for (let wanted = job.streams; wanted <= job.most && late < LATE_STEPS; wanted = Math.ceil(wanted * STEP)) {
    const more = await openClients(load, wanted - streams, streams)
    // Over a whole answer: questions that come in bunches come so again each time that their answers end.
    await keepAsking(more, ears, job.answerMs)
    streams = wanted
    await pause(300)
    const windows = await majority(ears, job)
    for (const { rate, delayP99, failed } of windows) say({ at: 'step', streams, rate, delayP99, failed })
    late = mostly(windows, (window) => window.late) ? late + 1 : 0
    if (late === 0) best = Math.max(best, ...windows.filter((window) => !window.late).map(({ rate }) => rate))
  }
  say({ at: 'end', rate: best })
}

type Step = { rate: number; delayP99: number; failed: number; late: boolean }

/** As many windows as it takes until most agree. */
async function majority(ears: Ears, { stepMs, lateMs }: JobOf<'ramp'>): Promise<Step[]> {
  const windows: Step[] = []
  while (!mostly(windows, ({ late }) => late) && !mostly(windows, ({ late }) => !late)) {
    ears.forget()
    await pause(stepMs)
    const { delayP99, tokens, ms, failed } = ears.read()
    windows.push({ rate: tokens / (ms / 1000), delayP99, failed, late: delayP99 > lateMs || failed > 0 })
  }
  return windows
}

const mostly = (windows: readonly Step[], fits: (window: Step) => boolean): boolean =>
  windows.filter(fits).length > WINDOWS / 2

/** One long answer for each stream; `mark` is said whenever all of them together have passed another mark. */
export async function long(load: Load, job: JobOf<'long'>, say: Say): Promise<void> {
  const clients = await openClients(load, job.streams)
  const ears = createEars()
  let next = 0
  const watch = setInterval(() => {
    const mark = job.marks[next]
    if (mark === undefined || ears.tokens < mark * job.streams) return
    next++
    say({ at: 'mark', tokens: ears.tokens })
  }, 1)
  await Promise.all(clients.map((client) => ears.ask(client)))
  clearInterval(watch)
  say({ at: 'end', ...ears.read(), expected: job.chunks * job.streams })
}
