import type { ConversationStore, Peers } from '../chat/ports.ts'
import type { Clock } from '../clock.ts'
import type { Book } from '../quota/book.ts'
import type { Tats } from '../quota/bucket.ts'
import { toMicros } from '../quota/bucket.ts'
import type { DayWindow, HoldRow, ScopeRow } from '../quota/ledger.ts'
import { hourPrefix, sharePrefix } from '../quota/ledger.ts'
import type { BookStore } from '../quota/ledger-report.ts'
import { ledgerOn } from '../quota/ledger-report.ts'
import type { TokenStore } from '../quota/token-bucket.ts'
import { tokenBuckets, tokensOn } from '../quota/token-bucket.ts'
import { hiding, newSalt } from './hide.ts'
import { memoryDiary } from './memory-diary.ts'
import { memoryQuestions } from './memory-questions.ts'
import type { Store } from './port.ts'
import { StoreError } from './port.ts'
import { memorySecrets } from './secrets.ts'

/** A store that forgets at exit, for the demo and tests. Its buckets run on the monotonic clock, which never jumps. */
export function memoryStore(clock: Clock): Store {
  let open = true
  const assertOpen = (): void => {
    if (!open) throw new StoreError('closed', 'the store is closed')
  }
  const tokens = memoryTokens(clock, assertOpen)
  return {
    kind: 'memory',
    tokens,
    buckets: tokenBuckets(tokens),
    ledger: ledgerOn(memoryBook(assertOpen), { now: () => clock.now(), hide: hiding(newSalt()) }),
    conversations: memoryConversations(clock, assertOpen),
    peers: noPeers,
    secrets: memorySecrets(assertOpen),
    diary: memoryDiary(assertOpen),
    questions: memoryQuestions(clock, assertOpen),
    ready: async () => open,
    close: async () => {
      open = false
    },
  }
}

/** Nobody shares this memory. */
const noPeers: Peers = { connect: async () => undefined, serve: async () => undefined }

const SWEPT_PER_TAKE = 4

function memoryTokens(clock: Clock, assertOpen: () => void): TokenStore {
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
  return tokensOn(async (step) => {
    assertOpen()
    const now = toMicros(clock.monotonic())
    sweep(now)
    return step(tats, now)
  })
}

function memoryBook(assertOpen: () => void): BookStore {
  const scopes = new Map<string, ScopeRow>()
  const holds = new Map<string, HoldRow>()
  const facts = new Map<string, string>()
  let window: DayWindow | undefined
  const book: Book = {
    scope: (key) => scopes.get(key),
    putScope: (key, row) => void scopes.set(key, row),
    scopesUnder: (front) => under(scopes, front),
    hold: (id) => holds.get(id),
    putHold: (id, row) => void holds.set(id, row),
    openHolds: () => [...holds].filter(([, { open }]) => open),
    window: () => window,
    putWindow(next) {
      window = next
    },
    fact: (name) => facts.get(name),
    putFact: (name, value) => void (value === undefined ? facts.delete(name) : facts.set(name, value)),
    factsUnder: (front) => under(facts, front),
    prune(day, oldest) {
      for (const [id, hold] of holds) if (hold.day < day) holds.delete(id)
      for (const [key] of under(scopes, sharePrefix)) if (key < sharePrefix + day) scopes.delete(key)
      for (const [key] of under(scopes, hourPrefix)) if (key < hourPrefix + oldest) scopes.delete(key)
    },
  }
  return {
    async run(_durable, step) {
      assertOpen()
      return step(book)
    },
    async runAhead(step) {
      assertOpen()
      return { value: step(book) }
    },
  }
}

const under = <T>(rows: ReadonlyMap<string, T>, front: string): [string, T][] =>
  [...rows].filter(([key]) => key.startsWith(front)).sort(([a], [b]) => (a < b ? -1 : 1))

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
      const inOrder = turns && [...turns].sort(([a], [b]) => a - b)
      return inOrder && { at: 'here', blobs: inOrder.map(([, blob]) => blob.slice()) }
    },
    async put(key, n, blob, expiresAt) {
      const row = live(key) ?? { expiresAt, turns: new Map() }
      row.turns.set(n, blob.slice())
      row.expiresAt = expiresAt
      rows.set(key, row)
      return true
    },
    async trim(key, n) {
      const turns = live(key)?.turns
      for (const each of turns?.keys() ?? []) if (each < n) turns?.delete(each)
    },
    async erase(key) {
      assertOpen()
      rows.delete(key)
    },
    leave: async () => assertOpen(),
    async sweep(now) {
      assertOpen()
      const gone = [...rows].filter(([, row]) => row.expiresAt <= now)
      for (const [key] of gone) rows.delete(key)
      return gone.length
    },
  }
}
