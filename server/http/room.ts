import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { Log } from '../log.ts'
import { httpLimits } from './server.ts'

/** How many files and sockets this process may have open at once; undefined: this system doesn't tell. */
export async function descriptorLimit(): Promise<number | undefined> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1]
  return soft === undefined ? undefined : Number(soft)
}

/** For the process itself, its store, its log and who looks after it. */
const OWN = 64

/** `sockets`: WebSockets at once; `spare`: other connections; `wanted`: descriptors for all that the settings allow. */
export type Room = { sockets: number; spare: number; wanted: number }

/** Lets in no more than leaves the store and the model their descriptors: with none left, nobody would be answered. */
export function roomWithin(limit: number | undefined, settings: { maxConnections: number; maxStreams: number }): Room {
  const { maxConnections, maxStreams } = settings
  const spare = httpLimits.spareConnections
  const wanted = OWN + maxStreams + maxConnections + spare
  if (limit === undefined || limit >= wanted) return { sockets: maxConnections, spare, wanted }
  const left = Math.max(2, limit - OWN)
  const room = left - Math.min(maxStreams, Math.floor(left / 3))
  const sockets = Math.min(maxConnections, Math.max(1, Math.floor((room * 5) / 6)))
  return { sockets, spare: Math.min(spare, Math.max(1, room - sockets)), wanted }
}

const OVER = 0.9

/** Says when connections begin to be dropped, and when there is room again with how many were, not in between. */
export function tellWhenFull(server: Server, log: Log): void {
  let dropped = 0
  server.on('drop', () => {
    if (dropped++ === 0) log.warn('connections_full', { most: server.maxConnections })
  })
  server.on('connection', () => {
    if (dropped === 0) return
    server.getConnections((_, open) => {
      if (dropped === 0 || open >= server.maxConnections * OVER) return
      log.info('connections_full_over', { dropped })
      dropped = 0
    })
  })
}
