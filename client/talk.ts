import type { Hello } from '../protocol/messages.ts'
import type { Chat, ChatEvent, ChatTurn } from './chat.ts'
import { busyTurn, emptyChat, reduce } from './chat.ts'
import type { Clock } from './clock.ts'
import type { OpenLink, Status } from './connection.ts'
import { Connection } from './connection.ts'
import type { Received, Refusal } from './parse.ts'
import type { Solve } from './proof.ts'
import { Proving } from './proof.ts'

/** Where the session's token survives a reload; neither call throws. */
export type TokenStore = { load(): string | undefined; save(token: string | undefined): void }

export type TalkParts = {
  open: OpenLink
  clock: Clock
  random(): number
  newId(): string
  solve: Solve
  tokens: TokenStore
  lang: string
  changed(chat: Chat, status: Status): void
}

// What the server refuses in a question; a paste may carry it.
// biome-ignore lint/suspicious/noControlCharactersInRegex: replacing them is the point
const UNSENDABLE = /[\u0000-\u0008\u000B-\u001F]|\p{Surrogate}/gu

/** The conversation over its connection: the visitor's verbs in, states out. No DOM. */
export class Talk {
  readonly #parts: TalkParts
  readonly connection: Connection
  readonly #proving: Proving
  #chat: Chat = emptyChat
  #unblock = () => {}

  constructor(parts: TalkParts) {
    this.#parts = parts
    this.#proving = new Proving(parts.solve)
    this.connection = new Connection({
      open: parts.open,
      clock: parts.clock,
      random: parts.random,
      hello: () => this.#hello(),
      busy: () => busyTurn(this.#chat) !== undefined || this.#chat.forgetting,
      received: (message) => this.#receive(message),
      changed: (status) => this.#changed(status),
    })
  }

  get chat(): Chat {
    return this.#chat
  }

  typed(text: string): void {
    this.#dispatch({ type: 'typed', text })
    this.connection.wake()
  }

  /** Asks what stands in the draft, which is empty then. */
  submit(): boolean {
    return this.#ask(this.#chat.draft, '')
  }

  /** Asks `text` and leaves the draft alone. */
  ask(text: string): boolean {
    return this.#ask(text, this.#chat.draft)
  }

  /** Asks the same again under a new id. */
  retry(id: string): boolean {
    const turn = this.#chat.turns.find((other) => other.id === id)
    return turn !== undefined && this.#ask(turn.question, this.#chat.draft, id)
  }

  /** Ends the running answer; a question that never left returns to the draft. */
  stop(): void {
    const turn = busyTurn(this.#chat)
    if (!turn || turn.stopping) return
    const unsent = turn.state === 'asking' && (this.connection.status !== 'open' || this.#proving.working(turn.id))
    this.#dispatch({ type: unsent ? 'withdraw' : 'stop' })
    // Before its start the server may not know the id yet.
    if (turn.state === 'streaming') this.connection.send({ type: 'stop', id: turn.id })
  }

  /** Erases the conversation everywhere, now or as soon as the server can be reached. */
  forget(): void {
    this.#dispatch({ type: 'forget' })
    this.connection.send({ type: 'forget' })
  }

  /** Another tab erased the conversation of `session`. */
  forgotten(session: string | null): void {
    if (session !== this.#chat.session) return
    this.#receive({ type: 'forgotten' })
    this.connection.renew()
  }

  get blocked(): boolean {
    return this.#chat.blockedUntil > this.#parts.clock.monotonic()
  }

  /** False, and nothing happens, for an empty or too long text, while busy or blocked, and at the end. */
  #ask(text: string, draft: string, retryOf?: string): boolean {
    const question = text.replace(UNSENDABLE, ' ').trim()
    const { limits, forgetting } = this.#chat
    if (!question || question.length > (limits?.maxChars ?? 1000)) return false
    if (busyTurn(this.#chat) || forgetting || this.blocked || this.connection.status === 'ended') return false
    const id = this.#parts.newId()
    this.#dispatch({ type: 'asked', id, text: question, draft, ...(retryOf && { retryOf }) })
    this.#sendWanted()
    return true
  }

  #hello(): Hello {
    const session = this.#chat.session ?? this.#parts.tokens.load()
    const turn = this.#chat.turns.find(({ state }) => state === 'streaming')
    return {
      type: 'hello',
      lang: this.#parts.lang,
      ...(session && { session }),
      ...(turn && { answer: { id: turn.id, offset: turn.answer.length } }),
    }
  }

  #receive(message: Received): void {
    if (message.type === 'error' && this.#prove(message)) return
    this.#dispatch({ type: 'received', message, now: this.#parts.clock.monotonic() })
    if (message.type === 'start') this.#begun(message.id)
    if (message.type === 'forgotten' || (message.type === 'welcome' && !message.resumed)) {
      this.#parts.tokens.save(undefined)
    }
    if (message.type === 'welcome') this.#sendWanted()
    if (message.type === 'error') this.#await()
    if (this.#chat.gap) this.connection.renew()
  }

  /** Does the work that the server asks for, and then asks again; false: it is a refusal like any other. */
  #prove(failure: Refusal): boolean {
    const { challenge, ...refusal } = failure
    const { code, id } = refusal
    const turn = busyTurn(this.#chat)
    if (code !== 'proof_required' || challenge === undefined || !turn || turn.id !== id) return false
    if (turn.state !== 'asking' || turn.stopping) return false
    const done = (solved: boolean) => {
      if (solved) this.#sendAsk(turn)
      else this.#receive(refusal)
    }
    if (!this.#proving.begin(turn.id, challenge, done)) return false
    this.#dispatch({ type: 'checking', id: turn.id })
    return true
  }

  #begun(id: string): void {
    // The first admitted question is when the browser may begin to remember.
    this.#parts.tokens.save(this.#chat.session)
    const turn = busyTurn(this.#chat)
    if (turn?.id === id && turn.stopping) this.connection.send({ type: 'stop', id })
  }

  /** What the visitor wanted while nobody could hear it. Asking the same id twice is paid once. */
  #sendWanted(): void {
    const turn = busyTurn(this.#chat)
    if (this.#chat.forgetting) this.connection.send({ type: 'forget' })
    if (turn?.state === 'asking' && !this.#proving.working(turn.id)) this.#sendAsk(turn)
  }

  #sendAsk({ id, question }: ChatTurn): void {
    const proof = this.#proving.proofOf(id)
    this.connection.send({ type: 'ask', id, text: question, ...(proof !== undefined && { proof }) })
  }

  #await(): void {
    this.#unblock()
    const { clock } = this.#parts
    const ms = this.#chat.blockedUntil - clock.monotonic()
    if (ms > 0) this.#unblock = clock.after(Math.ceil(ms) + 1, () => this.#dispatch({ type: 'unblocked' }))
  }

  #dispatch(event: ChatEvent): void {
    this.#chat = reduce(this.#chat, event)
    const turn = busyTurn(this.#chat)
    this.#proving.keep(turn?.state === 'asking' ? turn.id : undefined)
    this.#show()
  }

  #changed(status: Status): void {
    // Nobody will hear it any more: it waits in the draft for the reload.
    if (status === 'ended' && !this.#chat.draft) this.#dispatch({ type: 'withdraw' })
    else this.#show()
  }

  #show(): void {
    this.#parts.changed(this.#chat, this.connection.status)
  }
}
