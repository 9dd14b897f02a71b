import type { Log } from '../log.ts'

/** Runs a call of the store as it is; the log hears when such calls begin to fail and when they work again, not in between. */
export type Watched = <T>(call: () => Promise<T>) => Promise<T>

export function watched(log: Log, event: string): Watched {
  let failing = false
  return async (call) => {
    try {
      const value = await call()
      if (failing) log.info(`${event}_over`)
      failing = false
      return value
    } catch (cause) {
      if (!failing) log.error(event)
      failing = true
      throw cause
    }
  }
}
