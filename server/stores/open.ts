import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { memoryStore } from './memory.ts'
import type { Store } from './port.ts'
import { StoreError } from './port.ts'
import { sqliteStore } from './sqlite.ts'

/** STORE_URL -> its store: `memory:` or `sqlite:path`. Rejects with a StoreError, a sentence for the admin. */
export async function openStore(url: string, { clock, log }: { clock: Clock; log: Log }): Promise<Store> {
  if (url === 'memory:') return memoryStore(clock)
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1]
  if (path) return sqliteStore(path, clock, log)
  if (/^rediss?:/.test(url)) {
    throw new StoreError('not_yet', 'STORE_URL: Redis is not supported yet; use sqlite:data/le-mecano.db')
  }
  throw new StoreError('bad_url', 'STORE_URL: neither memory: nor sqlite:path')
}
