import { closes } from '../../protocol/closes.ts'
import type { Ask, ErrorCode, Failure, Hello, Limits, ServerMessage } from '../../protocol/messages.ts'
import { PROTOCOL } from '../../protocol/messages.ts'
import type { Log } from '../log.ts'
import type { AskContext } from './admission.ts'
import type { Journal } from './journal.ts'
import { keepText } from './keep-text.ts'
import type { Assistant, Seat, Wire } from './ports.ts'
import { Question, type QuestionHost, type QuestionParts } from './question.ts'
import { replay, replayLimit } from './replay.ts'
import type { Lang } from './sentences.ts'
import { doneOf, startOf, type Turn, viewOf } from './turn.ts'

/** One socket of a session. `mayReplay` is made with its first replay. */
export type Attached = {
  readonly wire: Wire
  readonly context: AskContext
  lang: Lang
  mayReplay?: (nowMs: number) => boolean
}

export type SessionParts = {
  question: QuestionParts
  assistant: () => Assistant
  log: Log
  limits: Limits
  graceMs: number
  /** An ask that went no further than this session; `c` names its connection. */
  onRefused: (code: ErrorCode, c?: string) => void
  demo: boolean
}
/** What only the registry can do: give the session a new token, and let go of one that nobody uses. */
export type SessionHome = { renew(session: Session): { token: string; journal: Journal }; idle(session: Session): void }

type Asking = { question: Question; askers: Set<Attached> }

const MAX_TURNS = 50
const MAX_UNITS = 65_536
const MAX_SPENT_IDS = 1000

/** A conversation: its turns, the sockets that show it, and at most one question on its way. */
export class Session {
  readonly sockets = new Set<Attached>()
  private asking: Asking | undefined
  /** Who waits for the erasure that is under way. */
  private erasing: Set<Attached> | undefined
  /** Ids of turns that the window has dropped: they can't be replayed, but are not new either. */
  private readonly spentIds = new Set<string>()
  private refusedId: string | undefined
  private cancelGrace: (() => void) | undefined

  constructor(
    private readonly parts: SessionParts,
    private readonly home: SessionHome,
    public token: string,
    private journal: Journal,
    private turns: Turn[] = [],
  ) {}

  /** Nobody here, nothing on its way, and nothing that only this process knows. */
  get idle(): boolean {
    return this.sockets.size === 0 && !this.asking && !this.erasing && !this.journal.behind
  }

  get answering(): boolean {
    return this.asking !== undefined
  }

  attach(socket: Attached, hello: Hello, resumed: boolean): Seat {
    this.cancelGrace?.()
    this.cancelGrace = undefined
    this.sockets.add(socket)
    this.welcome(socket, resumed)
    const named = this.turns.find((turn) => turn.id === hello.answer?.id)
    if (named) replay(socket.wire, named, hello.answer?.offset ?? 0)
    const streaming = this.turns.find((turn) => turn.state === 'streaming')
    if (streaming && streaming !== named) replay(socket.wire, streaming, 0)
    return this.seat(socket)
  }

  /** Another process has taken it: who is here comes back, and follows it there. */
  lost(): void {
    for (const { wire } of [...this.sockets]) wire.close(closes.restart)
    this.interrupt()
  }

  private seat(socket: Attached): Seat {
    const session = this
    return {
      get answering() {
        return session.answering
      },
      ask: (ask) => session.ask(socket, ask),
      stop: (id) => session.stop(id),
      forget: () => void session.forget(socket),
      leave: () => session.detach(socket),
    }
  }

  /** The last one to leave mid-answer leaves it going for the grace time. */
  private detach(socket: Attached): void {
    if (!this.sockets.delete(socket) || this.sockets.size > 0) return
    if (!this.asking) return this.home.idle(this)
    this.cancelGrace = this.parts.question.clock.after(this.parts.graceMs, () => this.interrupt())
  }

  /** Tries again to store what the store refused; then nothing may keep the session here any more. */
  async catchUp(): Promise<void> {
    if (!this.journal.behind) return
    await this.journal.flush()
    this.home.idle(this)
  }

  /** Ends an answer on its way as interrupted: nobody came back, or the server has to go. */
  interrupt(): void {
    this.asking?.question.stop('interrupted')
  }

  /** Resolves when no question is on its way. */
  async quiet(): Promise<void> {
    await this.asking?.question.settled
  }

  private ask(from: Attached, ask: Ask): void {
    const known = this.turns.find((turn) => turn.id === ask.id)
    if (known) return this.replayAgain(from, known)
    if (this.asking?.question.id === ask.id) return void this.asking.askers.add(from)
    const text = ask.text.trim()
    const refused = this.refusalOf(ask.id, text)
    if (refused) {
      this.parts.onRefused(refused, from.context.c)
      return this.fail(from, refused, { id: ask.id })
    }
    const askers = new Set([from])
    const question = new Question(
      this.parts.question,
      this.host(from.lang, askers),
      from.context,
      ask.id,
      text,
      ask.proof,
    )
    this.asking = { question, askers }
    void question.settled.then(() => this.asked(question))
  }

  /** Of a finished or just refused id it does nothing; false: there is no such id. */
  private stop(id: string): boolean {
    const asking = this.asking?.question.id === id
    if (asking) this.asking?.question.stop('stopped')
    return asking || id === this.refusedId || this.spentIds.has(id) || this.turns.some((turn) => turn.id === id)
  }

  /** Erases the conversation everywhere; an answer on its way is stopped first. */
  private async forget(from: Attached): Promise<void> {
    if (this.erasing) return void this.erasing.add(from)
    const waiting = new Set([from])
    this.erasing = waiting
    this.asking?.question.stop('stopped')
    await this.quiet()
    try {
      await this.journal.erase()
      this.restart()
    } catch {
      this.parts.log.error('conversation_not_erased')
      for (const each of waiting) this.fail(each, 'internal')
    }
    this.erasing = undefined
    if (this.sockets.size === 0) this.home.idle(this)
  }

  private fail(to: Attached, code: ErrorCode, more: Pick<Failure, 'id' | 'retryAfterMs' | 'challenge'> = {}): void {
    // A stop that crosses its question's refusal on the way is no mistake.
    if (more.id !== undefined) this.refusedId = more.id
    const message = this.parts.assistant().sentence(code, to.lang, more)
    to.wire.send({ type: 'error', code, message, ...more })
  }

  private restart(): void {
    this.turns = []
    this.spentIds.clear()
    const { token, journal } = this.home.renew(this)
    this.token = token
    this.journal = journal
    this.broadcast({ type: 'forgotten' })
    for (const socket of this.sockets) this.welcome(socket, false)
  }

  private refusalOf(id: string, text: string): ErrorCode | undefined {
    if (this.spentIds.has(id)) return 'bad_message'
    if (text === '') return 'empty'
    if (text.length > this.parts.limits.maxChars) return 'too_long'
    return this.asking || this.erasing ? 'busy' : undefined
  }

  private asked(question: Question): void {
    if (this.asking?.question === question) this.asking = undefined
    if (this.asking || this.sockets.size > 0) return
    this.cancelGrace?.()
    this.home.idle(this)
  }

  private welcome(to: Attached, resumed: boolean): void {
    const { limits, demo } = this.parts
    const persona = this.parts.assistant().view(to.lang)
    const turns = this.turns.map(viewOf)
    const { token: session } = this
    to.wire.send({ type: 'welcome', protocol: PROTOCOL, session, resumed, lang: to.lang, persona, limits, demo, turns })
  }

  private replayAgain(to: Attached, turn: Turn): void {
    to.mayReplay ??= replayLimit()
    if (to.mayReplay(this.parts.question.clock.monotonic())) replay(to.wire, turn, 0)
    else to.wire.close(closes.flooding)
  }

  private broadcast(message: ServerMessage): void {
    for (const socket of this.sockets) socket.wire.send(message)
  }

  /** What a question sees of its session. */
  private host(lang: Lang, askers: ReadonlySet<Attached>): QuestionHost {
    const assistant = this.parts.assistant()
    const { clock } = this.parts.question
    const now = () => clock.now()
    let kept: ReturnType<typeof keepText> | undefined
    return {
      nextTurn: () => (this.turns.at(-1)?.n ?? -1) + 1,
      since: () => this.turns[0]?.at,
      history: () => this.turns,
      request: (question, history) => assistant.request(question, history, lang, now()),
      filter: () => assistant.filter(),
      fallback: (question) => assistant.fallback(question, lang, now()),
      save: (turn) => {
        kept?.end()
        return this.journal.save(turn)
      },
      admitted: (turn) => this.add(turn),
      started: (turn) => this.broadcast(startOf(turn)),
      text: (turn, text) => {
        this.broadcast({ type: 'delta', id: turn.id, offset: turn.answer.length, text })
        turn.answer += text
        kept ??= keepText(clock, () => void this.journal.save(turn))
        kept.grew()
      },
      done: (turn, reason) => {
        this.broadcast(doneOf(turn, reason))
        this.keepWindow()
      },
      refused: (refusal, turn) => this.refused(askers, refusal, turn),
    }
  }

  /** The askers get the error; the others, who saw it start, an end. */
  private refused(
    askers: ReadonlySet<Attached>,
    refusal: Pick<Failure, 'code' | 'retryAfterMs' | 'challenge'>,
    turn?: Turn,
  ): void {
    const id = this.asking?.question.id
    // Its askers hear of it now; who sends the id from here on asks anew.
    if (!turn) this.asking = undefined
    const { code, retryAfterMs, challenge } = refusal
    const more = {
      ...(id !== undefined && { id }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(challenge !== undefined && { challenge }),
    }
    for (const asker of askers) this.fail(asker, code, more)
    if (!turn) return
    for (const socket of this.sockets) if (!askers.has(socket)) socket.wire.send(doneOf(turn, 'interrupted'))
  }

  // Together, so that a socket that comes now sees either neither or both.
  private add(turn: Turn): void {
    this.turns.push(turn)
    this.keepWindow()
    this.broadcast(startOf(turn))
  }

  /** At most 50 turns and 64 Ki UTF-16 units; the last turn always stays. */
  private keepWindow(): void {
    const { turns } = this
    const sizes = turns.map(({ question, answer }) => question.length + answer.length)
    let units = sizes.reduce((sum, size) => sum + size, 0)
    let first = 0
    while (first < turns.length - 1 && (turns.length - first > MAX_TURNS || units > MAX_UNITS))
      units -= sizes[first++] ?? 0
    for (const dropped of turns.splice(0, first)) this.spend(dropped.id)
    if (first > 0 && turns[0]) void this.journal.trim(turns[0].n)
  }

  private spend(id: string): void {
    this.spentIds.add(id)
    const oldest = this.spentIds.values().next()
    if (this.spentIds.size > MAX_SPENT_IDS && !oldest.done) this.spentIds.delete(oldest.value)
  }
}
