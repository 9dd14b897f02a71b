import { type Close, closes } from '../../protocol/closes.ts'
import type { ClientMessage, ErrorCode, Hello } from '../../protocol/messages.ts'
import { parseClientMessage } from '../../protocol/parse.ts'
import type { AskContext } from './admission.ts'
import type { Assistant, Seat, Wire } from './ports.ts'
import type { Registry } from './registry.ts'
import type { Attached } from './session.ts'

export type ConnectionParts = {
  registry: Pick<Registry, 'enter'>
  assistant: () => Assistant
  onRefused: (code: ErrorCode) => void
}

const MAX_BAD_MESSAGES = 5
const MAX_WAITING = 60

/** One socket's talk: hello first and once, then asks, stops and forgets of its session. */
export class Connection {
  private readonly attached: Attached
  private state: 'new' | 'entering' | 'entered' | 'closed' = 'new'
  private seat: Seat | undefined
  private badMessages = 0
  /** What came while the session was being looked up. */
  private readonly waiting: ClientMessage[] = []

  constructor(
    private readonly parts: ConnectionParts,
    private readonly wire: Wire,
    context: AskContext,
  ) {
    this.attached = { wire, context, lang: parts.assistant().pickLang(undefined) }
  }

  get greeted(): boolean {
    return this.state !== 'new'
  }

  /** Whether an answer is on its way to this socket. */
  get answering(): boolean {
    return this.seat?.answering ?? false
  }

  /** Takes one text frame; every mistake in it is answered, none throws. */
  receive(text: string): void {
    if (this.state === 'closed') return
    const parsed = parseClientMessage(text)
    if (!parsed.ok) return this.refuse('bad_message', parsed.id)
    const { message } = parsed
    if (message.type === 'hello') return this.hello(message)
    if (this.state === 'new') return this.refuse('hello_first', 'id' in message ? message.id : undefined)
    if (this.seat) return this.handle(this.seat, message)
    if (this.waiting.push(message) > MAX_WAITING) this.end(closes.flooding)
  }

  closed(): void {
    this.state = 'closed'
    this.seat?.leave()
    this.seat = undefined
  }

  private hello(hello: Hello): void {
    if (this.state !== 'new') return this.refuse('bad_message')
    this.state = 'entering'
    this.attached.lang = this.parts.assistant().pickLang(hello.lang)
    void this.enter(hello)
  }

  private async enter(hello: Hello): Promise<void> {
    try {
      const seat = await this.parts.registry.enter(this.attached, hello)
      if (!seat) return this.end(closes.restart)
      if (this.state === 'closed') return seat.leave()
      this.state = 'entered'
      this.seat = seat
      for (const message of this.waiting.splice(0)) this.handle(seat, message)
    } catch {
      this.end(closes.overloaded)
    }
  }

  /** From here on nothing that came is heard, also not what waits. */
  private end(close: Close): void {
    this.state = 'closed'
    this.wire.close(close)
  }

  private handle(seat: Seat, message: ClientMessage): void {
    if (this.state === 'closed') return
    if (message.type === 'ask') seat.ask(message)
    else if (message.type === 'stop') seat.stop(message.id) || this.refuse('bad_message', message.id)
    else if (message.type === 'forget') seat.forget()
  }

  private refuse(code: ErrorCode, id?: string): void {
    this.parts.onRefused(code)
    const message = this.parts.assistant().sentence(code, this.attached.lang)
    this.wire.send({ type: 'error', code, message, ...(id !== undefined && { id }) })
    if (++this.badMessages >= MAX_BAD_MESSAGES) this.end(closes.notThisProtocol)
  }
}
