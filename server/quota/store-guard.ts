import type { Log } from '../log.ts'

/** Undefined instead of a rejection. */
export type Guard = <T>(call: () => Promise<T>) => Promise<{ value: T } | undefined>

/** Turns a store's rejections into `undefined`, and logs when trouble begins and when it ends, not in between. */
export function storeGuard(log: Log): Guard {
  let working = true
  return async (call) => {
    try {
      const value = await call()
      if (!working) log.info('store_back')
      working = true
      return { value }
    } catch (cause) {
      if (working) log.error('store_trouble', { code: codeOf(cause) })
      working = false
      return undefined
    }
  }
}

const codeOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return 'unknown'
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}
