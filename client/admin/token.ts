const KEY = 'le-mecano-admin'

/** The token for as long as the tab is open; where the browser keeps nothing, a reload asks for it again. */
export function rememberedToken(storage: () => Storage) {
  const tried = <T>(use: (storage: Storage) => T): T | undefined => {
    try {
      return use(storage())
    } catch {
      return undefined
    }
  }
  return {
    read: (): string | undefined => tried((kept) => kept.getItem(KEY)) ?? undefined,
    keep: (token: string): void => tried((kept) => kept.setItem(KEY, token)),
    forget: (): void => tried((kept) => kept.removeItem(KEY)),
  }
}
