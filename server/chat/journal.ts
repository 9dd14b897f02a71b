import type { ConversationStore, Safe, Vault } from './ports.ts'
import type { Watched } from './trouble.ts'
import { type Turn, turnFromText, turnToText } from './turn.ts'

/** A session's turns on their way to the store, sealed, one write at a time. */
export type Journal = {
  /** Never rejects: a store in trouble is logged, and the turn is written with the next write that passes. */
  save(turn: Turn): Promise<void>
  trim(n: number): Promise<void>
  /** Tries again to write what the store refused. Never rejects. */
  flush(): Promise<void>
  /** Rejects when the store could not erase: nobody may be told that it did. */
  erase(): Promise<void>
  /** Whether the store lacks something that was to be saved. */
  readonly behind: boolean
}
/** A turn was saved; `owner` is the key of its conversation. */
type OnSaved = (owner: string, turn: Turn) => void
export type JournalParts = {
  store: ConversationStore
  vault: Vault
  ttlMs: number
  now: () => number
  /** Tells when the stores' trouble begins and ends, once for all journals. */
  watch: Watched
  onSaved?: OnSaved
  /** The store has refused something that was to be saved. */
  onBehind?: () => void
}

/** `onLost`: another process has taken the session; from then on nothing is written. */
export function openJournal(parts: JournalParts, token: string, onLost: () => void): Journal {
  const { store, vault, watch } = parts
  const key = vault.keyOf(token)
  // Most who come never ask.
  let safe: Safe | undefined
  const unsaved = new Map<number, { blob: Uint8Array; expiresAt: number }>()
  let last: Promise<unknown> = Promise.resolve()
  let lost = false
  /** The turn on its way was put with this expiry: its text alone is no reason to move that. */
  let growing: { n: number; expiresAt: number } | undefined
  const expiryOf = ({ n, state }: Turn): number => {
    const expiresAt = growing?.n === n && state === 'streaming' ? growing.expiresAt : parts.now() + parts.ttlMs
    growing = { n, expiresAt }
    return expiresAt
  }
  const lose = () => {
    unsaved.clear()
    if (!lost) onLost()
    lost = true
  }
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work)
    last = next.catch(() => undefined)
    return next
  }
  const safely = async (work: () => Promise<void>) => {
    try {
      await watch(() => inTurn(work))
    } catch {
      parts.onBehind?.()
    }
  }
  const flush = () =>
    safely(async () => {
      for (const [n, write] of unsaved) {
        const due = write.expiresAt > parts.now()
        if (due && !(await store.put(key, n, write.blob, write.expiresAt))) return lose()
        if (unsaved.get(n) === write) unsaved.delete(n)
      }
    })
  return {
    save(turn) {
      if (lost) return Promise.resolve()
      parts.onSaved?.(key, turn)
      safe ??= vault.safe(token)
      unsaved.set(turn.n, { blob: safe.seal(turnToText(turn)), expiresAt: expiryOf(turn) })
      return flush()
    },
    trim(n) {
      for (const each of unsaved.keys()) if (each < n) unsaved.delete(each)
      return lost ? Promise.resolve() : safely(() => store.trim(key, n))
    },
    flush,
    erase: () =>
      inTurn(async () => {
        await store.erase(key)
        // A flush that waits behind this must not bring anything back.
        unsaved.clear()
      }),
    get behind() {
      return unsaved.size > 0
    },
  }
}

export type LoadedTurns = { at: 'here'; turns: Turn[] } | { at: 'elsewhere'; owner: string }

/** The turns stored under a token, or undefined when there are none. Damaged ones are left out. */
export async function loadTurns(
  { store, vault }: Pick<JournalParts, 'store' | 'vault'>,
  token: string,
  gone?: string,
): Promise<LoadedTurns | undefined> {
  const kept = await store.load(vault.keyOf(token), gone)
  if (kept?.at !== 'here') return kept
  const safe = vault.safe(token)
  const turns = kept.blobs.flatMap((blob) => {
    const text = safe.open(blob)
    return (text !== undefined && turnFromText(text)) || []
  })
  return { at: 'here', turns }
}
