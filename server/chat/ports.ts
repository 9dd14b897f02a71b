import type { Close } from '../../protocol/closes.ts'
import type { ErrorCode, PersonaView, ServerMessage } from '../../protocol/messages.ts'
import type { ModelRequest } from '../model/port.ts'
import type { Exchange } from './conversation.ts'
import type { Filter } from './filter.ts'
import type { Lang } from './sentences.ts'

/** A connected browser as the session sees it. Neither call throws; after a close both do nothing. */
export type Wire = { send(message: ServerMessage): void; close(close: Close): void }

/**
 * Where conversations outlive the process. `key` is the hash of a session token; blobs are sealed by the caller.
 * Every call may reject when the store is out of order.
 */
export type ConversationStore = {
  /** The blobs in the order of `n`, or undefined when there is no such session or it has expired. */
  load(key: string): Promise<Uint8Array[] | undefined>
  /** Writes turn `n` (inserted or replaced) and slides the session's expiry to `expiresAt` (epoch ms). */
  put(key: string, n: number, blob: Uint8Array, expiresAt: number): Promise<void>
  /** Removes turns below `n`: the session's window moved on. */
  trim(key: string, n: number): Promise<void>
  erase(key: string): Promise<void>
  /** Erases what expired before `now`; returns how many sessions. */
  sweep(now: number): Promise<number>
}

/**
 * Where questions are kept for the admin's report, some hundreds at the most; blobs are sealed by the caller, `owner` is
 * the key of their conversation. Every call may reject when the store is out of order.
 */
export type QuestionStore = {
  /** Times are epoch ms. What doesn't fit is dropped. */
  keep(question: { owner: string; at: number; expiresAt: number; blob: Uint8Array }): Promise<void>
  /** Those of `from` <= at < `to` that have not expired, in order. */
  between(from: number, to: number): Promise<Uint8Array[]>
  erase(owner: string): Promise<void>
  /** Erases what expired before `now`. */
  sweep(now: number): Promise<void>
}
export const MOST_QUESTIONS = 500

/** Seals contents under a key that only the visitor's token gives. `keyOf` is all that a store learns of a token. */
export type Vault = {
  keyOf(token: string): string
  seal(token: string, text: string): Uint8Array
  /** undefined: not sealed under this token, or damaged. */
  open(token: string, blob: Uint8Array): string | undefined
}

export type SentenceDetail = { retryAfterMs?: number | undefined }

/** Who answers: the persona with its knowledge, made into what a session needs. */
export type Assistant = {
  view(lang: Lang): PersonaView
  /** A visitor's BCP 47 tag -> the language to speak. */
  pickLang(wanted: string | undefined): Lang
  sentence(code: ErrorCode, lang: Lang, detail?: SentenceDetail): string
  /** `now` is epoch ms; the turns end with the visitor's question. */
  request(question: string, history: readonly Exchange[], lang: Lang, now: number): ModelRequest
  filter(): Filter
  /** An answer from the knowledge files alone, or undefined where none is wanted. */
  fallback(question: string, lang: Lang, now: number): string | undefined
  /** Whether the knowledge files seem to speak of it: by its words, so it may err. */
  knows(question: string): boolean
}
