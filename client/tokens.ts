import type { TokenStore } from './talk.ts'

export const TOKEN_KEY = 'le-mecano.session'

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
    load: () => quietly(() => storage().getItem(TOKEN_KEY) ?? undefined),
    save: (token) =>
      quietly(() => (token === undefined ? storage().removeItem(TOKEN_KEY) : storage().setItem(TOKEN_KEY, token))),
  }
}
