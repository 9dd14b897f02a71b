import type { ConversationStore, Peers, QuestionStore } from '../chat/ports.ts'
import type { DiaryStore } from '../diary.ts'
import type { LedgerStore } from '../quota/ledger.ts'
import type { Buckets, Secrets } from '../quota/port.ts'
import type { TokenStore } from '../quota/token-bucket.ts'

/** One opened store. `tokens` is what `buckets` stands on, for a TokenBucket of its own. */
export type Store = {
  readonly kind: 'memory' | 'sqlite' | 'redis'
  readonly buckets: Buckets
  readonly tokens: TokenStore
  readonly ledger: LedgerStore
  readonly conversations: ConversationStore
  readonly peers: Peers
  readonly secrets: Secrets
  readonly diary: DiaryStore
  readonly questions: QuestionStore
  /** Whether a write would be taken now. Never rejects. */
  ready(): Promise<boolean>
  /** Waits for what is under way, then lets go of everything. Later calls reject. */
  close(): Promise<void>
}

export type StoreErrorCode =
  | 'bad_url'
  | 'cannot_open'
  | 'full'
  | 'newer'
  | 'corrupt'
  | 'closed'
  | 'not_initialized'
  | 'unsafe'
  | 'replica'
  | 'unreachable'
  | 'unconfirmed'
  | 'elsewhere'

/** Why a store can't be used; `message` is a sentence for the admin. */
export class StoreError extends Error {
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string) {
    super(message)
    this.name = 'StoreError'
    this.code = code
  }
}
