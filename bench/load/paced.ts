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

/**
 * Says whether most windows were late by their 99th percentile (one pause of anybody's garbage collector is no limit), and the
 * best rate of those that weren't. Its last answers may end while somebody else's first begin.
 */
export async function step(load: Load, job: JobOf<'step'>, say: Say): Promise<void> {
  const ears = createEars()
  const { stop } = await keepAsking(await openClients(load, job.streams), ears, job.answerMs)
  await pause(300)
  const windows = await majority(ears, job)
  stop()
  const rates = windows.filter(({ late }) => !late).map(({ rate }) => rate)
  say({ at: 'end', late: mostly(windows, ({ late }) => late), rate: Math.max(0, ...rates) })
  await pause(job.answerMs)
}

type Window = { rate: number; late: boolean }

/** As many windows as it takes until most agree. */
async function majority(ears: Ears, { stepMs, lateMs }: JobOf<'step'>): Promise<Window[]> {
  const windows: Window[] = []
  while (!mostly(windows, ({ late }) => late) && !mostly(windows, ({ late }) => !late)) {
    ears.forget()
    await pause(stepMs)
    const { delayP99, tokens, ms, failed } = ears.read()
    windows.push({ rate: tokens / (ms / 1000), late: delayP99 > lateMs || failed > 0 })
  }
  return windows
}

const mostly = (windows: readonly Window[], fits: (window: Window) => boolean): boolean =>
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
