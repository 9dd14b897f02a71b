import type { Close } from '../../protocol/closes.ts'
import type { Ask, ErrorCode, PersonaView, ServerMessage } from '../../protocol/messages.ts'
import type { ModelRequest } from '../model/port.ts'
import type { Exchange } from './conversation.ts'
import type { Filter } from './filter.ts'
import type { Lang } from './sentences.ts'

/** A connected browser as the session sees it. Neither call throws; after a close both do nothing. */
export type Wire = { send(message: ServerMessage): void; close(close: Close): void }

/** A socket's place in its session, wherever that lives. */
export type Seat = {
  /** Whether an answer is on its way to the session. */
  readonly answering: boolean
  ask(ask: Ask): void
  /** False: there is no such id. */
  stop(id: string): boolean
  forget(): void
  leave(): void
}

/** A session as its store knows it: this process's from now on, or that of another, which may be gone. */
export type Kept = { at: 'here'; blobs: Uint8Array[] } | { at: 'elsewhere'; owner: string }

/**
 * Where conversations outlive the process. `key` is the hash of a session token; blobs are sealed by the caller.
 * A session belongs to one process at a time, which alone may write it. Every call may reject when the store is out of order.
 */
export type ConversationStore = {
  /**
   * Takes the session and reads its blobs in the order of `n`, unless another process than `gone` has it.
   * Undefined: there is no such session, or it has expired.
   */
  load(key: string, gone?: string): Promise<Kept | undefined>
  /**
   * Writes turn `n` (inserted or replaced) and slides the session's expiry to `expiresAt` (epoch ms).
   * False: another process has taken the session, and nothing was written.
   */
  put(key: string, n: number, blob: Uint8Array, expiresAt: number): Promise<boolean>
  /** Removes turns below `n`: the session's window moved on. */
  trim(key: string, n: number): Promise<void>
  /** Rejects when the session is another process's. */
  erase(key: string): Promise<void>
  /** Gives the session up, if it was this process's. */
  leave(key: string): Promise<void>
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

/** One end of a way to another process: messages arrive whole and in order until the link ends, which both ends hear of. */
export type Link = { send(message: Uint8Array): void; close(): void }
export type LinkEnd = { message(message: Uint8Array): void; closed(): void }

/** The processes on one store. Neither side of a link throws; `closed` comes once, also after a `close` of one's own. */
export type Peers = {
  /** A link to `peer` about `key`. Undefined: there is no such process any more. */
  connect(peer: string, key: string, end: LinkEnd): Promise<Link | undefined>
  /** From here on others find this process; each link of theirs is answered with its other end. */
  serve(accept: (key: string, link: Link) => LinkEnd): Promise<void>
}

/** Seals contents under a key that only the visitor's token gives. `keyOf` is all that a store learns of a token. */
export type Vault = {
  keyOf(token: string): string
  /** What is sealed under one token. Deriving its key takes ten times as long as sealing a turn: make one, and keep it. */
  safe(token: string): Safe
}
export type Safe = {
  seal(text: string): Uint8Array
  /** undefined: not sealed under this token, or damaged. */
  open(blob: Uint8Array): string | undefined
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
