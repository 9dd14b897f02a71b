import { openClient } from './clients.ts'
import type { Job, Load } from './job.ts'
import type { Say } from './paced.ts'

/** Fires asks of one address at all servers in turn, all at once: the bucket must admit its burst and no more. */
export async function burst({ kind, urls, upstream }: Load, job: Extract<Job, { at: 'burst' }>, say: Say) {
  const clients = await Promise.all(
    Array.from({ length: job.asks }, (_, i) => openClient(kind, { url: urls[i % urls.length] ?? '', upstream })),
  )
  const answers = await Promise.allSettled(clients.map((client) => client.ask(() => {})))
  const admitted = answers.filter(({ status }) => status === 'fulfilled').length
  say({ at: 'end', admitted, refused: job.asks - admitted })
}
