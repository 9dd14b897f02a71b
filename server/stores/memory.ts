import type { ConversationStore } from '../chat/ports.ts'
import type { Clock } from '../clock.ts'
import type { Tats } from '../quota/bucket.ts'
import { toMicros } from '../quota/bucket.ts'
import type { Book, BookStore, DayWindow, HoldRow, ScopeRow } from '../quota/ledger.ts'
import { ledgerOn, sharePrefix } from '../quota/ledger.ts'
import type { TatStore } from '../quota/token-bucket.ts'
import { tokenBuckets } from '../quota/token-bucket.ts'
import type { Store } from './port.ts'
import { StoreError } from './port.ts'

/** A store that forgets at exit, for the demo and tests. Its buckets run on the monotonic clock, which never jumps. */
export function memoryStore(clock: Clock): Store {
  let open = true
  const assertOpen = (): void => {
    if (!open) throw new StoreError('closed', 'the store is closed')
  }
  const tats = memoryTats(clock, assertOpen)
  return {
    kind: 'memory',
    tats,
    buckets: tokenBuckets(tats),
    ledger: ledgerOn(memoryBook(assertOpen)),
    conversations: memoryConversations(clock, assertOpen),
    ready: async () => open,
    close: async () => {
      open = false
    },
  }
}

const SWEPT_PER_TAKE = 4

function memoryTats(clock: Clock, assertOpen: () => void): TatStore {
  const rows = new Map<string, number>()
  let cursor = rows.entries()
  // Each step looks at a few rows and drops full buckets, so memory follows the live keys without a timer.
  const sweep = (now: number): void => {
    for (let seen = 0; seen < SWEPT_PER_TAKE; seen++) {
      const next = cursor.next()
      if (next.done) {
        cursor = rows.entries()
        return
      }
      const [key, tat] = next.value
      if (tat <= now) rows.delete(key)
    }
  }
  const tats: Tats = {
    get: (key) => rows.get(key),
    set: (key, tat) => void rows.set(key, tat),
    delete: (key) => void rows.delete(key),
  }
  return {
    async run(step) {
      assertOpen()
      const now = toMicros(clock.monotonic())
      sweep(now)
      return step(tats, now)
    },
  }
}

function memoryBook(assertOpen: () => void): BookStore {
  const scopes = new Map<string, ScopeRow>()
  const holds = new Map<string, { day: string; row: HoldRow }>()
  let window: DayWindow | undefined
  let halt: string | undefined
  const book: Book = {
    scope: (key) => scopes.get(key),
    putScope: (key, row) => void scopes.set(key, row),
    hold: (id) => holds.get(id)?.row,
    putHold: (id, day, row) => void holds.set(id, { day, row }),
    window: () => window,
    putWindow(next) {
      window = next
    },
    halt: () => halt,
    putHalt(cause) {
      halt = cause
    },
    prune(day) {
      for (const [id, hold] of holds) if (hold.day < day) holds.delete(id)
      const first = `${sharePrefix}${day}`
      for (const key of scopes.keys()) if (key.startsWith(sharePrefix) && key < first) scopes.delete(key)
    },
  }
  return {
    async run(step) {
      assertOpen()
      return step(book)
    },
  }
}

type Conversation = { expiresAt: number; turns: Map<number, Uint8Array> }

function memoryConversations(clock: Clock, assertOpen: () => void): ConversationStore {
  const rows = new Map<string, Conversation>()
  const live = (key: string): Conversation | undefined => {
    assertOpen()
    const row = rows.get(key)
    if (row && row.expiresAt > clock.now()) return row
    rows.delete(key)
    return undefined
  }
  return {
    async load(key) {
      const turns = live(key)?.turns
      return turns && [...turns].sort(([a], [b]) => a - b).map(([, blob]) => blob.slice())
    },
    async put(key, n, blob, expiresAt) {
      const row = live(key) ?? { expiresAt, turns: new Map() }
      row.turns.set(n, blob.slice())
      row.expiresAt = expiresAt
      rows.set(key, row)
    },
    async trim(key, n) {
      const turns = live(key)?.turns
      for (const each of turns?.keys() ?? []) if (each < n) turns?.delete(each)
    },
    async erase(key) {
      assertOpen()
      rows.delete(key)
    },
    async sweep(now) {
      assertOpen()
      const gone = [...rows].filter(([, row]) => row.expiresAt <= now)
      for (const [key] of gone) rows.delete(key)
      return gone.length
    },
  }
}
