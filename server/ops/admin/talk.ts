import {
  ADMIN_PROTOCOL,
  type AdminAbout,
  type AdminErrorCode,
  type AdminServerMessage,
  parseAdminHello,
  wrongToken,
} from '../../../protocol/admin.ts'
import { type Close, closes } from '../../../protocol/closes.ts'
import type { Log } from '../../log.ts'
import { type Board, EVERY_MS } from './board.ts'
import type { Caller } from './door.ts'

export type AdminWire = { send(message: AdminServerMessage): void; close(close: Close): void }
export type TalkParts = { board: Board; about: AdminAbout; caller: Caller; wire: AdminWire; log: Log }

/** One socket of a status page: the token first and once, then figures until it closes. */
export class AdminTalk {
  #state: 'new' | 'asking' | 'watching' | 'closed' = 'new'
  #unwatch = () => {}

  constructor(private readonly parts: TalkParts) {}

  get greeted(): boolean {
    return this.#state !== 'new'
  }

  /** Figures are always on their way: who watches need not speak. */
  get answering(): boolean {
    return this.#state === 'watching'
  }

  receive(text: string): void {
    if (this.#state === 'closed') return
    const parsed = parseAdminHello(text)
    if (!parsed.ok) return this.#end(this.greeted ? 'bad_message' : 'hello_first', closes.notThisProtocol)
    if (this.#state !== 'new') return this.#end('bad_message', closes.notThisProtocol)
    this.#state = 'asking'
    void this.#enter(parsed.message.token)
  }

  closed(): void {
    this.#state = 'closed'
    this.#unwatch()
  }

  async #enter(token: string): Promise<void> {
    const { board, about, caller, wire, log } = this.parts
    const shown = await caller.show(token)
    if (this.#state !== 'asking') return
    if (!shown.ok) {
      log.warn('admin_refused', { code: shown.code })
      return this.#end(shown.code, shown.code === 'wrong_token' ? wrongToken : closes.flooding, shown.retryAfterMs)
    }
    this.#state = 'watching'
    wire.send({ type: 'welcome', protocol: ADMIN_PROTOCOL, everyMs: EVERY_MS, about, history: board.history() })
    this.#unwatch = board.watch((message) => wire.send(message))
  }

  #end(code: AdminErrorCode, close: Close, retryAfterMs?: number): void {
    this.closed()
    this.parts.wire.send({ type: 'error', code, ...(retryAfterMs !== undefined && { retryAfterMs }) })
    this.parts.wire.close(close)
  }
}
