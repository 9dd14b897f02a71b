import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Assistant, QuestionStore, Vault } from './ports.ts'
import type { Turn } from './turn.ts'
import { isEnd } from './turn.ts'

/** `seal` is what the questions are sealed under: the admin's token. They are kept as long as their conversation at first. */
export type NotebookParts = {
  store: QuestionStore
  vault: Vault
  seal: string
  assistant: () => Pick<Assistant, 'knows'>
  clock: Clock
  ttlMs: number
  log: Log
}

const LONGEST = 300

/** Keeps the questions on which the knowledge files say nothing, for the day's report; only where the admin asked for it. */
export function createNotebook({ store, vault, seal, assistant, clock, ttlMs, log }: NotebookParts) {
  const safe = vault.safe(seal)
  return (owner: string, turn: Turn): void => {
    // At once, so that a visitor who erases the conversation afterwards erases this too.
    if (!isEnd(turn.state) || assistant().knows(turn.question)) return
    const at = clock.now()
    const blob = safe.seal(withoutContacts(turn.question).slice(0, LONGEST))
    store.keep({ owner, at, expiresAt: at + ttlMs, blob }).catch(() => log.warn('question_not_kept'))
  }
}

/** Addresses of mail and anything that may be a number of a telephone, a card or an account become `…`. */
export const withoutContacts = (text: string): string =>
  text.replace(/\S+@\S+/g, '…').replace(/(?:\+|\b)[\d][\d .\-/()]{6,}\d\b/g, '…')
