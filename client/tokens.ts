import type { TokenStore } from './talk.ts'

export const TOKEN_KEY = 'le-mecano.session'
// Of whatever else stands there the server could make nothing, and might not even read it to its end.
const TOKEN = /^[\w-]{1,99}$/

/** Keeps the token in `storage`, which is read at each call because a browser may forbid even that. */
export function tokensIn(storage: () => Storage): TokenStore {
  const quietly = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch {
      // Forbidden or full: the conversation lives as long as its page.
      return undefined
    }
  }
  return {
    load: () => quietly(() => TOKEN.exec(storage().getItem(TOKEN_KEY) ?? '')?.[0]),
    save: (token) =>
      quietly(() => (token === undefined ? storage().removeItem(TOKEN_KEY) : storage().setItem(TOKEN_KEY, token))),
  }
}
