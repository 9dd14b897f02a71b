import { type AdminErrorCode, type AdminServerMessage, parseAdminMessage } from '../../protocol/admin.ts'
import { closeOf } from '../../protocol/closes.ts'
import type { Clock } from '../clock.ts'
import { delayMs, type OpenLink } from '../connection.ts'

/** `waiting`: the connection was lost and is tried again by itself. */
export type LinkStatus = 'out' | 'connecting' | 'live' | 'waiting'
export type AdminLinkParts = {
  open: OpenLink
  clock: Clock
  /** In [0, 1). */
  random(): number
  received(message: Exclude<AdminServerMessage, { type: 'error' }>): void
  /** The token was refused: wrong, or tried too often. */
  refused(code: AdminErrorCode, retryAfterMs: number): void
  changed(status: LinkStatus): void
}

const WELCOME_MS = 15_000
const SILENCE_MS = 15_000

/** The status page's connection: shows the token, and comes back with it until it is refused or left. */
export class AdminLink {
  readonly #parts: AdminLinkParts
  #token = ''
  /** Whether it has opened before. */
  #known = false
  #attempt = 0
  #generation = 0
  #close = () => {}
  #cancel = () => {}

  constructor(parts: AdminLinkParts) {
    this.#parts = parts
  }

  enter(token: string): void {
    this.#token = token
    this.#known = false
    this.#attempt = 0
    this.#open()
  }

  leave(): void {
    this.#drop()
    this.#token = ''
    this.#parts.changed('out')
  }

  #open(): void {
    this.#drop()
    const mine = this.#generation
    const current = () => mine === this.#generation
    this.#parts.changed('connecting')
    this.#watch(WELCOME_MS)
    const link = this.#parts.open({
      opened: () => current() && link.send(JSON.stringify({ type: 'hello', token: this.#token })),
      text: (text) => current() && this.#receive(text),
      closed: (code) => current() && this.#again(code),
    })
    this.#close = () => link.close()
  }

  #receive(text: string): void {
    const parsed = parseAdminMessage(text)
    if (!parsed.ok) return
    const { message } = parsed
    if (message.type === 'error') return this.#refused(message.code, message.retryAfterMs ?? 0)
    this.#watch(SILENCE_MS)
    if (message.type === 'welcome') {
      this.#attempt = 0
      this.#known = true
      this.#parts.changed('live')
    }
    this.#parts.received(message)
  }

  #refused(code: AdminErrorCode, retryAfterMs: number): void {
    // A right token that was shown too often is only early.
    if (this.#known && code === 'rate_limited') return this.#later(retryAfterMs + this.#parts.random() * 1000)
    this.leave()
    this.#parts.refused(code, retryAfterMs)
  }

  #again(code: number): void {
    const pause = closeOf(code).reconnect === 'soon' ? 'soon' : 'wait'
    this.#later(delayMs(pause, this.#attempt++, 0, this.#parts.random))
  }

  #later(ms: number): void {
    this.#drop()
    this.#cancel = this.#parts.clock.after(ms, () => this.#open())
    this.#parts.changed('waiting')
  }

  #watch(ms: number): void {
    this.#cancel()
    this.#cancel = this.#parts.clock.after(ms, () => this.#again(1006))
  }

  #drop(): void {
    this.#generation++
    this.#cancel()
    this.#close()
    this.#close = () => {}
  }
}
