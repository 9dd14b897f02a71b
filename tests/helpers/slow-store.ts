import type { ConversationStore } from '../../server/chat/ports.ts'

/** A store that waits and fails as the test wants. */
export type SlowStore = ConversationStore & {
  /** From now on every call waits for `letGo`. */
  hold(): void
  letGo(): void
  broken: boolean
  /** What each call waits for beside that. */
  pace: () => Promise<void>
  readonly calls: string[]
}

export function slowStore(inner: ConversationStore): SlowStore {
  let open = () => {}
  let gate = Promise.resolve()
  const calls: string[] = []
  const through = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    calls.push(name)
    await gate
    await slow.pace()
    if (slow.broken) throw new Error('the store is out of order')
    return work()
  }
  const slow: SlowStore = {
    calls,
    broken: false,
    pace: () => Promise.resolve(),
    hold() {
      gate = new Promise((resolve) => (open = resolve))
    },
    letGo: () => open(),
    load: (key, gone) => through('load', () => inner.load(key, gone)),
    put: (key, n, blob, expiresAt) => through(`put ${n}`, () => inner.put(key, n, blob, expiresAt)),
    trim: (key, n) => through(`trim ${n}`, () => inner.trim(key, n)),
    erase: (key) => through('erase', () => inner.erase(key)),
    leave: (key) => through('leave', () => inner.leave(key)),
    sweep: (now) => through('sweep', () => inner.sweep(now)),
  }
  return slow
}
