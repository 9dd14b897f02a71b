import { setTimeout as pause } from 'node:timers/promises'
import { openClient } from './clients.ts'
import type { Job, Load } from './job.ts'
import type { Say } from './paced.ts'
import { createEars } from './streams.ts'

/** One visitor who asks again and again; what he hears counts from SIGUSR2 on, for `windowMs`. */
export async function visitor(load: Load, job: Extract<Job, { at: 'visitor' }>, say: Say): Promise<void> {
  const ears = createEars()
  const client = await openClient(load.kind, { url: load.urls[0] ?? '', upstream: load.upstream })
  let until = Number.POSITIVE_INFINITY
  process.once('SIGUSR2', () => {
    until = performance.now() + job.windowMs
    ears.forget()
  })
  await ears.ask(client)
  say({ at: 'armed' })
  while (performance.now() < until) {
    await ears.ask(client)
    // What is refused at once must not become a loop.
    await pause(10)
  }
  const heard = ears.read()
  say({ at: 'end', ...heard, asks: heard.firsts.length })
}
