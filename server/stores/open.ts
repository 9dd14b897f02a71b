import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { memoryStore } from './memory.ts'
import type { Store } from './port.ts'
import { StoreError } from './port.ts'
import { sqliteStore } from './sqlite.ts'

/** STORE_URL -> its store: `memory:`, `sqlite:path`, `redis://`, `rediss://` or `redis+sentinel://`. Rejects with a StoreError, a sentence for the admin. */
export async function openStore(url: string, { clock, log }: { clock: Clock; log: Log }): Promise<Store> {
  if (url === 'memory:') return memoryStore(clock)
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1]
  if (path) return sqliteStore(path, clock, log)
  if (isRedis(url)) return (await redis()).redisStore(url, clock, log)
  throw new StoreError('bad_url', 'none of memory:, sqlite:path and redis://host')
}

/** Makes a fresh Redis ours, with nothing spent. False: nothing was to be done. */
export async function initStore(url: string, log: Log): Promise<boolean> {
  return isRedis(url) && (await redis()).initRedis(url, log)
}

// Loaded where it is used: a server on SQLite starts sooner and smaller without the client of Redis.
const redis = () => import('./redis.ts')

export const isRedis = (url: string): boolean => /^(rediss?|redis\+sentinel):\/\//.test(url)
