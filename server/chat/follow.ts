import * as v from 'valibot'
import { closeOf, closes } from '../../protocol/closes.ts'
import type { Ask, ClientMessage, Hello, ServerMessage } from '../../protocol/messages.ts'
import { parseServerMessage } from '../../protocol/parse.ts'
import type { Clock } from '../clock.ts'
import type { Link, Peers, Seat, Vault, Wire } from './ports.ts'
import type { Attached } from './session.ts'

/** `gone`: nobody answers there; `left`: that process has given the session up; `later`: it is about to. */
export type NoSeat = 'gone' | 'left' | 'later'
export type Follow = (owner: string, token: string, socket: Attached, hello: Hello) => Promise<Seat | NoSeat>
export type FollowParts = { peers: Peers; vault: Vault; clock: Clock }

/** A process that says nothing for so long counts as dead. */
export const SILENT_MS = 5000

/**
 * Seats a socket in a session that another process has: what it says goes there, what it hears comes from there, all
 * sealed under the session's token. When the link ends the socket is sent to come back, where it resumes.
 */
export function createFollow({ peers, vault, clock }: FollowParts): Follow {
  return async (owner, token, socket, hello) => {
    const seat = new AwaySeat(socket.wire)
    const safe = vault.safe(token)
    const link = await peers.connect(owner, vault.keyOf(token), {
      message: (sealed) => seat.hear(safe.open(sealed) ?? ''),
      closed: () => seat.ended(),
    })
    if (!link) return 'gone'
    seat.open({ ...link, send: (text) => link.send(safe.seal(text)) }, socket, hello)
    const cancel = clock.after(SILENT_MS, () => seat.decide('gone'))
    const state = await seat.decided
    cancel()
    if (state === 'here') return seat
    link.close()
    return state
  }
}

type State = 'here' | NoSeat
type SealedLink = Pick<Link, 'close'> & { send(text: string): void }

class AwaySeat implements Seat {
  readonly decided: Promise<State>
  private state: State | undefined
  private settle: (state: State) => void = () => {}
  private link: SealedLink | undefined
  private streaming: string | undefined

  constructor(private readonly wire: Wire) {
    this.decided = new Promise((resolve) => (this.settle = resolve))
  }

  get answering(): boolean {
    return this.streaming !== undefined
  }

  open(link: SealedLink, { context }: Attached, hello: Hello): void {
    this.link = link
    link.send(JSON.stringify(context))
    this.send(hello)
  }

  ask(ask: Ask): void {
    this.send(ask)
  }

  /** Whether there is such an id, the other process tells the socket. */
  stop(id: string): boolean {
    this.send({ type: 'stop', id })
    return true
  }

  forget(): void {
    this.send({ type: 'forget' })
  }

  leave(): void {
    this.link?.close()
  }

  /** The first decision stands. */
  decide(state: State): void {
    this.state ??= state
    this.settle(this.state)
  }

  hear(text: string): void {
    const code = closeIn(text)
    if (code !== undefined) return this.closed('later', code)
    const parsed = parseServerMessage(text)
    if (!parsed.ok) return
    this.decide('here')
    this.note(parsed.message)
    this.wire.send(parsed.message)
  }

  ended(): void {
    this.closed('left', closes.restart.code)
  }

  private closed(state: State, code: number): void {
    this.decide(state)
    if (this.state === 'here') this.wire.close(closeOf(code))
  }

  private send(message: ClientMessage): void {
    this.link?.send(JSON.stringify(message))
  }

  private note(message: ServerMessage): void {
    if (message.type === 'start' || message.type === 'delta') this.streaming = message.id
    else if ('id' in message && message.id === this.streaming) this.streaming = undefined
  }
}

const closing = v.object({ type: v.literal('close'), code: v.number() })

/** What the other process says when it closes the socket. */
export const closeText = (code: number): string => JSON.stringify({ type: 'close', code })

function closeIn(text: string): number | undefined {
  // Cheap for what nearly every message is.
  if (!text.startsWith('{"type":"close"')) return undefined
  const parsed = v.safeParse(closing, JSON.parse(text))
  return parsed.success ? parsed.output.code : undefined
}
