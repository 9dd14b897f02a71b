import { setTimeout as pause } from 'node:timers/promises'
import type { Job, Load } from './job.ts'
import { createEars, keepAsking, openClients } from './streams.ts'

export type Say = (word: Record<string, unknown>) => void
type JobOf<At extends Job['at']> = Extract<Job, { at: At }>

/** A window of steady load: `begin` and `end` are said at its edges. */
export async function steady(load: Load, job: JobOf<'streams'>, say: Say): Promise<void> {
  const ears = createEars()
  const { stop } = await keepAsking(await openClients(load, job.streams), ears, job.answerMs)
  await pause(500)
  ears.read()
  say({ at: 'begin' })
  await pause(job.windowMs)
  say({ at: 'end', ...ears.read() })
  stop()
}

/** A tenth more streams at each step, until the 99th percentile of two steps in a row is late. */
export async function ramp(load: Load, job: JobOf<'ramp'>, say: Say): Promise<void> {
  const ears = createEars()
  let streams = 0
  let late = 0
  let best = 0
  for (let wanted = job.streams; wanted <= job.most && late < 2; wanted = Math.ceil(wanted * 1.1)) {
    const more = await openClients(load, wanted - streams, streams)
    await keepAsking(more, ears, Math.min(job.answerMs, job.stepMs / 2))
    streams = wanted
    await pause(300)
    ears.read()
    await pause(job.stepMs)
    const { delayP99, tokens, ms, failed } = ears.read()
    const rate = tokens / (ms / 1000)
    say({ at: 'step', streams, rate, delayP99, failed })
    late = delayP99 > job.lateMs || failed > 0 ? late + 1 : 0
    if (late === 0) best = Math.max(best, rate)
  }
  say({ at: 'end', rate: best })
}

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
