import { closeOf } from '../protocol/closes.ts'
import type { ClientMessage, Hello } from '../protocol/messages.ts'
import type { Clock } from './clock.ts'
import type { Received } from './parse.ts'
import { parseServerMessage } from './parse.ts'

/** A WebSocket as the connection sees it. After `close` none of the events may matter any more. */
export type Link = { send(text: string): void; close(): void }
export type LinkEvents = { opened(): void; text(text: string): void; closed(code: number): void }
export type OpenLink = (events: LinkEvents) => Link

/** `open` means welcomed. `asleep` waits for the visitor, `ended` for nothing: only a reload helps. */
export type Status = 'connecting' | 'open' | 'waiting' | 'offline' | 'asleep' | 'ended'

export type ConnectionParts = {
  open: OpenLink
  clock: Clock
  /** In [0, 1). */
  random(): number
  hello(): Hello
  /** Whether the visitor waits for something, so that silence is suspect and a hidden page stays awake. */
  busy(): boolean
  received(message: Received): void
  changed(status: Status): void
}

const WELCOME_MS = 15_000
const SILENCE_MS = 30_000
const STEADY_MS = 10_000
const backoffs = { soon: { first: 500, most: 30_000 }, wait: { first: 5_000, most: 60_000 } }
type Pause = keyof typeof backoffs

/** Milliseconds until a further try is allowed: three in any 10 s, `tries` being the times of the latest. */
function gateMs(tries: readonly number[], now: number): number {
  const third = tries.at(-3)
  return third === undefined ? 0 : Math.max(0, third + STEADY_MS - now)
}

/** Full jitter in milliseconds, doubling per attempt; past the gate it is spread again, so that no herd gathers there. */
export function delayMs(pause: Pause, attempt: number, gate: number, random: () => number): number {
  const { first, most } = backoffs[pause]
  const jitter = random() * Math.min(most, first * 2 ** attempt)
  return gate > jitter ? gate + jitter : jitter
}

/** One conversation's connection: opens, greets, and comes back as the closes table says. */
export class Connection {
  readonly #parts: ConnectionParts
  #status: Status = 'asleep'
  #link: Link | undefined
  #cancel = () => {}
  #generation = 0
  #attempt = 0
  #tries: number[] = []
  #openedAt: number | undefined
  #online = true
  #hidden = false

  constructor(parts: ConnectionParts) {
    this.#parts = parts
  }

  get status(): Status {
    return this.#status
  }

  /** Sends when welcomed; else returns false and makes for a connection. */
  send(message: ClientMessage): boolean {
    if (this.#status !== 'open') {
      this.wake()
      return false
    }
    this.#link?.send(JSON.stringify(message))
    this.#watch(SILENCE_MS)
    return true
  }

  /** The visitor is here: a sleeping connection opens. */
  wake(): void {
    if (this.#status === 'asleep') this.#soonest()
  }

  /** The network went or came back; sockets that lived through that can't be trusted. */
  online(online: boolean): void {
    const back = online && !this.#online
    this.#online = online
    if (!online && this.#status === 'waiting') this.#rest('offline')
    else if (back && this.#status !== 'ended' && this.#status !== 'asleep') this.#soonest()
    else if (online && this.#status === 'waiting') this.#soonest()
  }

  hidden(hidden: boolean): void {
    this.#hidden = hidden
    if (!hidden) this.wake()
  }

  /** Closes without a return of its own: the page is going away or into the back-forward cache. */
  sleep(): void {
    if (this.#status !== 'ended') this.#rest('asleep')
  }

  /** What came can't be trusted: drop the socket and take the session up again. */
  renew(): void {
    this.#drop()
    this.#again('soon')
  }

  #soonest(): void {
    this.#drop()
    const gate = gateMs(this.#tries, this.#parts.clock.monotonic())
    if (!this.#online) this.#become('offline')
    else if (this.#idle()) this.#become('asleep')
    else if (gate > 0) this.#after(gate)
    else this.#open()
  }

  #open(): void {
    const { clock, open } = this.#parts
    this.#drop()
    const mine = this.#generation
    const current = () => mine === this.#generation
    this.#tries = [...this.#tries.slice(-2), clock.monotonic()]
    this.#become('connecting')
    this.#watch(WELCOME_MS)
    this.#link = open({
      opened: () => current() && this.#greet(),
      text: (text) => current() && this.#receive(text),
      closed: (code) => current() && this.#closed(code),
    })
  }

  #greet(): void {
    this.#link?.send(JSON.stringify(this.#parts.hello()))
  }

  #receive(text: string): void {
    const message = parseServerMessage(text)
    this.#watch(this.#status === 'open' ? SILENCE_MS : WELCOME_MS)
    if (!message) {
      // A greeting that can't be read is one of a later page's: only a reload helps.
      if (this.#status !== 'open') this.#rest('ended')
      return
    }
    if (message.type === 'welcome' && this.#status !== 'open') {
      this.#openedAt = this.#parts.clock.monotonic()
      this.#status = 'open'
    }
    this.#parts.received(message)
    if (message.type === 'welcome' && this.#status === 'open') this.#parts.changed('open')
  }

  #closed(code: number): void {
    const { reconnect } = closeOf(code)
    this.#drop()
    if (reconnect === 'never') this.#become('ended')
    else if (reconnect === 'on-next-use' || this.#idle()) this.#become('asleep')
    else this.#again(reconnect)
  }

  #again(pause: Pause): void {
    const now = this.#parts.clock.monotonic()
    // A server that welcomes and closes at once must not make us start over at half a second.
    if (this.#openedAt !== undefined && now - this.#openedAt >= STEADY_MS) this.#attempt = 0
    this.#openedAt = undefined
    if (!this.#online) this.#become('offline')
    else this.#after(delayMs(pause, this.#attempt++, gateMs(this.#tries, now), this.#parts.random))
  }

  #after(ms: number): void {
    this.#cancel = this.#parts.clock.after(ms, () => {
      if (this.#idle()) this.#become('asleep')
      else this.#open()
    })
    this.#become('waiting')
  }

  #watch(ms: number): void {
    this.#cancel()
    this.#cancel = this.#parts.clock.after(ms, () => {
      if (this.#status !== 'open' || this.#parts.busy()) this.renew()
    })
  }

  /** Nobody looks and nobody waits: such pages must not come back to a server in a herd. */
  #idle(): boolean {
    return this.#hidden && !this.#parts.busy()
  }

  #rest(status: Status): void {
    this.#drop()
    this.#become(status)
  }

  #drop(): void {
    this.#generation++
    this.#cancel()
    this.#link?.close()
    this.#link = undefined
  }

  #become(status: Status): void {
    this.#status = status
    this.#parts.changed(status)
  }
}
