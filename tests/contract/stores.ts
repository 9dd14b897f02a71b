import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../server/log.ts'
import { initStore, openStore } from '../../server/stores/open.ts'
import type { Store } from '../../server/stores/port.ts'
import type { ManualClock } from '../helpers/manual-clock.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { startRedis } from '../helpers/redis.ts'

/** `open` gives the store; on `shared` kinds each further call is another connection to the same data. */
export type StoreBench = { clock: ManualClock; url: string; open(): Promise<Store> }
export type StoreKind = {
  name: string
  shared: boolean
  use(test: (bench: StoreBench) => Promise<void>, start?: number): Promise<void>
}

const memory: StoreKind = {
  name: 'memory',
  shared: false,
  async use(test, start) {
    const clock = manualClock(start)
    const store = await openStore('memory:', { clock, log: silentLog })
    return test({ clock, url: 'memory:', open: async () => store })
  },
}

const sqlite: StoreKind = {
  name: 'sqlite',
  shared: true,
  async use(test, start) {
    const folder = await mkdtemp(join(tmpdir(), 'store-'))
    const clock = manualClock(start)
    const opened: Store[] = []
    const url = `sqlite:${join(folder, 'test.db')}`
    const open = async (): Promise<Store> => {
      const store = await openStore(url, { clock, log: silentLog })
      opened.push(store)
      return store
    }
    try {
      await test({ clock, url, open })
    } finally {
      for (const store of opened) await store.close()
      await rm(folder, { recursive: true })
    }
  },
}

/** One server for all of a file's tests, emptied in between. */
async function redisKind(): Promise<StoreKind[]> {
  const server = await startRedis()
  if (!server) return []
  const { url } = server
  return [
    {
      name: 'redis',
      shared: true,
      async use(test, start) {
        await server.empty()
        await initStore(url, silentLog)
        const clock = manualClock(start)
        const opened: Store[] = []
        const open = async (): Promise<Store> => {
          const store = await openStore(url, { clock, log: silentLog })
          opened.push(store)
          return store
        }
        try {
          await test({ clock, url, open })
        } finally {
          for (const store of opened) await store.close()
        }
      },
    },
  ]
}

/** Redis is missing where it isn't installed and can't be. */
export const storeKinds: readonly StoreKind[] = [memory, sqlite, ...(await redisKind())]
