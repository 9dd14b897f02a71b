import { setTimeout as pause } from 'node:timers/promises'
import { type Client, openClient } from './clients.ts'
import type { Job, Load } from './job.ts'
import type { Say } from './paced.ts'

type JobOf<At extends Job['at']> = Extract<Job, { at: At }>
const AT_ONCE = 50

/** Connections from several loopback addresses, one port range each; at each count it says so and holds still. */
export async function idle({ kind, urls, upstream }: Load, job: JobOf<'idle'>, say: Say): Promise<void> {
  const clients: Client[] = []
  for (const count of job.counts) {
    while (clients.length < count) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - clients.length) }, (_, i) => {
        const localAddress = `127.0.0.${2 + ((clients.length + i) % job.addresses)}`
        return openClient(kind, { url: urls[0] ?? '', upstream, localAddress })
      })
      clients.push(...(await Promise.all(some)))
    }
    say({ at: 'count', count })
    await pause(job.holdMs)
  }
  say({ at: 'end' })
}

/** Opens, greets and closes for `windowMs`. */
export async function upgrades({ kind, urls, upstream }: Load, job: JobOf<'upgrades'>, say: Say): Promise<void> {
  const one = async () => {
    const client = await openClient(kind, { url: urls[0] ?? '', upstream })
    client.close()
  }
  await Promise.all(Array.from({ length: job.atOnce }, one))
  say({ at: 'begin' })
  const began = performance.now()
  let count = 0
  const worker = async () => {
    while (performance.now() - began < job.windowMs) {
      await one()
      count++
    }
  }
  await Promise.all(Array.from({ length: job.atOnce }, worker))
  say({ at: 'end', count, ms: performance.now() - began })
}
