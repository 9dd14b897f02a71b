import type { Hello } from '../../protocol/messages.ts'
import type { Random } from '../clock.ts'
import { type JournalParts, loadTurns, openJournal } from './journal.ts'
import { type Attached, Session, type SessionHome, type SessionParts } from './session.ts'
import { watched } from './trouble.ts'
import type { Turn } from './turn.ts'

/** 256 random bits; the prefix lets a log recognise and hide a token wherever it turns up. */
const TOKEN_BYTES = 32
export const TOKEN_PATTERN = /lm_[A-Za-z0-9_-]{43}/

export type Registry = {
  /** The session of hello's token, or a new one; the socket is attached and welcomed. Rejects when the store is down. */
  enter(socket: Attached, hello: Hello): Promise<Session>
  /** Every session with a question on its way. */
  answering(): Session[]
  /** Stores what the store refused before and erases what has expired; returns how many sessions. */
  sweep(): Promise<number>
  readonly size: number
}
export type RegistryParts = {
  session: SessionParts
  journal: JournalParts
  random: Random
  /** A hello was answered; `resumed`: it took up a session. */
  onGreeted?: (resumed: boolean) => void
}

/** The sessions that somebody looks at or that have an answer on its way; all others are in the store alone. */
export function createRegistry(parts: RegistryParts): Registry {
  const { vault, store, now } = parts.journal
  const live = new Map<string, Session>()
  const loading = new Map<string, Promise<Turn[] | undefined>>()
  const watch = watched(parts.journal.log, 'session_not_loaded')

  const home: SessionHome = {
    renew(session) {
      live.delete(vault.keyOf(session.token))
      const token = newToken()
      live.set(vault.keyOf(token), session)
      return { token, journal: openJournal(parts.journal, token) }
    },
    idle(session) {
      const key = vault.keyOf(session.token)
      if (session.idle && live.get(key) === session) live.delete(key)
    },
  }
  const newToken = () => `lm_${parts.random.token(TOKEN_BYTES)}`
  const open = (token: string, turns?: Turn[]) => {
    const session = new Session(parts.session, home, token, openJournal(parts.journal, token), turns)
    live.set(vault.keyOf(token), session)
    return session
  }
  /** Two tabs that come back together share one reading. */
  const load = (token: string, key: string): Promise<Turn[] | undefined> => {
    const pending = loading.get(key) ?? watch(() => loadTurns(parts.journal, token)).finally(() => loading.delete(key))
    loading.set(key, pending)
    return pending
  }
  return {
    async enter(socket, hello) {
      const { session: token = '' } = hello
      const key = isToken(token) ? vault.keyOf(token) : ''
      const turns = key !== '' && !live.has(key) ? await load(token, key) : undefined
      // From here to attach nothing waits, so that a session at hand can't be let go in between.
      const found = live.get(key) ?? (turns && open(token, turns))
      const session = found ?? open(newToken())
      session.attach(socket, hello, found !== undefined)
      parts.onGreeted?.(found !== undefined)
      return session
    },
    answering: () => [...live.values()].filter((session) => session.answering),
    async sweep() {
      await Promise.all([...live.values()].map((session) => session.catchUp()))
      return store.sweep(now())
    },
    get size() {
      return live.size
    },
  }
}

const isToken = (token: string) => token.length === 46 && TOKEN_PATTERN.test(token)
