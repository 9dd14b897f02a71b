import type { Hello } from '../../protocol/messages.ts'
import type { Clock, Random } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Follow } from './follow.ts'
import { type JournalParts, type LoadedTurns, loadTurns, openJournal } from './journal.ts'
import type { Seat } from './ports.ts'
import { type Attached, Session, type SessionHome, type SessionParts } from './session.ts'
import { watched } from './trouble.ts'
import type { Turn } from './turn.ts'

/** 256 random bits; the prefix lets a log recognise and hide a token wherever it turns up. */
const TOKEN_BYTES = 32
export const TOKEN_PATTERN = /lm_[A-Za-z0-9_-]{43}/

export type Registry = {
  /**
   * Seats the socket in the session of hello's token, or in a new one, and welcomes it. Undefined: it is to come again,
   * the session is on its way from one process to another. Rejects when the store is down.
   */
  enter(socket: Attached, hello: Hello): Promise<Seat | undefined>
  /** As `enter` for the socket of another process: only sessions that are here; when `onlyAnswering`, those with an answer on its way. */
  lend(onlyAnswering: () => boolean, socket: Attached, hello: Hello): Promise<Seat | undefined>
  /** The token of the session that is here. Undefined: it isn't, and whoever wants may take it. */
  tokenHere(key: string): Promise<string | undefined>
  /** Every session with a question on its way. */
  answering(): Session[]
  /** Stores what the store refused before and erases what has expired; returns how many sessions. */
  sweep(): Promise<number>
  readonly size: number
}
export type RegistryParts = {
  session: SessionParts
  journal: Omit<JournalParts, 'watch' | 'onBehind'> & { log: Log }
  random: Random
  clock: Clock
  follow: Follow
  /** A hello was answered; `resumed`: it took up a session. */
  onGreeted?: (resumed: boolean) => void
}

/** How soon what the store refused is tried again. */
export const RETRY_MS = 2000
const HANDOVER_TRIES = 30
const HANDOVER_PAUSE_MS = 100

/**
 * The sessions that somebody looks at here or that have an answer on its way; all others are in the store alone, or with
 * another process, where they are followed.
 */
export function createRegistry(parts: RegistryParts): Registry {
  const { vault, store, now, log } = parts.journal
  const live = new Map<string, Session>()
  const loading = new Map<string, Promise<LoadedTurns | undefined>>()
  const watch = watched(log, 'session_not_loaded')
  let retrying = false
  const catchUp = () => Promise.all([...live.values()].map((session) => session.catchUp()))
  const journalParts: JournalParts = {
    ...parts.journal,
    watch: watched(log, 'conversation_not_stored'),
    onBehind() {
      if (retrying) return
      retrying = true
      parts.clock.after(RETRY_MS, () => {
        retrying = false
        void catchUp()
      })
    },
  }

  const home: SessionHome = {
    renew(session) {
      live.delete(vault.keyOf(session.token))
      const token = newToken()
      live.set(vault.keyOf(token), session)
      return { token, journal: openJournal(journalParts, token, () => lose(session)) }
    },
    idle(session) {
      const key = vault.keyOf(session.token)
      if (session.idle && live.get(key) === session) live.delete(key)
    },
  }
  const lose = (session: Session) => {
    const key = vault.keyOf(session.token)
    if (live.get(key) === session) live.delete(key)
    log.warn('session_lost')
    session.lost()
  }
  const newToken = () => `lm_${parts.random.token(TOKEN_BYTES)}`
  const open = (token: string, turns?: Turn[]) => {
    const journal = openJournal(journalParts, token, () => lose(session))
    const session: Session = new Session(parts.session, home, token, journal, turns)
    live.set(vault.keyOf(token), session)
    return session
  }
  /** Two tabs that come back together share one reading. */
  const load = (token: string, key: string, gone?: string): Promise<LoadedTurns | undefined> => {
    const pending =
      loading.get(key) ?? watch(() => loadTurns(parts.journal, token, gone)).finally(() => loading.delete(key))
    loading.set(key, pending)
    return pending
  }
  const seat = (session: Session, resumed: boolean, socket: Attached, hello: Hello) => {
    const taken = session.attach(socket, hello, resumed)
    parts.onGreeted?.(resumed)
    return taken
  }
  const pause = () => new Promise<void>((resolve) => parts.clock.after(HANDOVER_PAUSE_MS, resolve))

  /** A known session: its seat, or 'unknown'; undefined: nobody gives it away. */
  const find = async (token: string, socket: Attached, hello: Hello): Promise<Seat | 'unknown' | undefined> => {
    const key = vault.keyOf(token)
    let gone: string | undefined
    for (let tries = 0; tries < HANDOVER_TRIES; tries++) {
      const loaded = live.has(key) ? undefined : await load(token, key, gone)
      // From here to attach nothing waits, so that a session at hand can't be let go in between.
      const here = live.get(key) ?? (loaded?.at === 'here' ? open(token, loaded.turns) : undefined)
      if (here) return seat(here, true, socket, hello)
      if (loaded?.at !== 'elsewhere') return 'unknown'
      const followed = await parts.follow(loaded.owner, token, socket, hello)
      if (typeof followed !== 'string') {
        log.info('session_followed', { c: socket.context.c })
        return followed
      }
      if (followed === 'gone') gone = loaded.owner
      if (followed === 'later') await pause()
    }
    return undefined
  }
  return {
    async enter(socket, hello) {
      const { session: token = '' } = hello
      const found = isToken(token) ? await find(token, socket, hello) : 'unknown'
      return found === 'unknown' ? seat(open(newToken()), false, socket, hello) : found
    },
    async lend(onlyAnswering, socket, hello) {
      const session = live.get(vault.keyOf(hello.session ?? ''))
      if (!session || (onlyAnswering() && !session.answering)) return undefined
      return seat(session, true, socket, hello)
    },
    async tokenHere(key) {
      await loading.get(key)?.catch(() => undefined)
      const session = live.get(key)
      if (!session) await store.leave(key).catch(() => undefined)
      return session?.token
    },
    answering: () => [...live.values()].filter((session) => session.answering),
    async sweep() {
      await catchUp()
      return store.sweep(now())
    },
    get size() {
      return live.size
    },
  }
}

const isToken = (token: string) => token.length === 46 && TOKEN_PATTERN.test(token)
