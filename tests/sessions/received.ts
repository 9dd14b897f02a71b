import type { ServerMessage } from '../../protocol/messages.ts'
import { parseServerMessage } from '../../protocol/parse.ts'
import type { Incoming } from './link.ts'

/** A frame that holds a message of the protocol, with the fields as they came; else what is wrong with it. */
export type Received = { ok: true; message: ServerMessage; fields: object } | { ok: false; wrong: string }

export function receive(text: string): Received {
  const parsed = parseServerMessage(text)
  if (!parsed.ok)
    return { ok: false, wrong: `${text.slice(0, 300)}\n  is no message of the protocol: ${parsed.reason}` }
  const fields: unknown = JSON.parse(text)
  return { ok: true, message: parsed.message, fields: typeof fields === 'object' && fields !== null ? fields : {} }
}

/** Follows the answers on one socket: deltas must join without a gap, and `done` must say their length. */
export class Proof {
  readonly #lengths = new Map<string, number | undefined>()

  /** What the message breaks, in words. */
  check(message: ServerMessage): string | undefined {
    if (message.type === 'start') this.#lengths.set(message.id, undefined)
    if (message.type === 'delta') return this.#delta(message.id, message.offset, message.text.length)
    if (message.type !== 'done') return undefined
    const known = this.#lengths.get(message.id)
    if (known === undefined || known === message.length) return undefined
    return `done ${message.id} says length ${message.length}, but ${known} have come`
  }

  #delta(id: string, offset: number, length: number): string | undefined {
    if (!this.#lengths.has(id)) return `delta ${id} came before its start`
    const known = this.#lengths.get(id) ?? offset
    this.#lengths.set(id, offset + length)
    return known === offset ? undefined : `delta ${id} has offset ${offset}, wanted ${known}`
  }
}

/** A message as a script would expect it. */
export function lineOf(message: ServerMessage): string {
  switch (message.type) {
    case 'welcome': {
      const { resumed, lang, demo, turns } = message
      return `welcome resumed=${resumed} lang=${lang} demo=${demo} turns=${turns.length}`
    }
    case 'start':
      return `start ${message.id} ${quote(message.question)} source=${message.source} remaining=${message.remaining}`
    case 'delta':
      return `delta ${message.id} offset=${message.offset} text=${quote(message.text)}`
    case 'done':
      return `done ${message.id} ${message.reason} length=${message.length}`
    case 'error': {
      const wait = message.retryAfterMs === undefined ? '' : ` retryAfterMs=${message.retryAfterMs}`
      return `error ${message.id ?? '!id'} code=${message.code}${wait} message=${quote(message.message)}`
    }
    case 'forgotten':
      return 'forgotten'
  }
}

export const quote = (text: string): string =>
  text.length <= 100 ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, 97))}… (${text.length})`

/** A message as a recorded script expects it: what is the same the next time. */
export function expectationOf(message: ServerMessage): string {
  if (message.type === 'welcome') return `welcome resumed=${message.resumed} turns=${message.turns.length}`
  if (message.type === 'delta') return `delta* ${message.id}`
  if (message.type === 'done') return `done ${message.id} ${message.reason}`
  if (message.type === 'error') return `error ${message.id ?? '!id'} code=${message.code}`
  return message.type === 'start' ? `start ${message.id}` : message.type
}

/** What came, as a line of a transcript. */
export function describe(incoming: Incoming | undefined): string {
  if (incoming === undefined) return '(nothing came in time)'
  if (incoming.kind === 'closed') return `< closed ${incoming.code} reason=${quote(incoming.reason)}`
  if (incoming.kind === 'refused') return `< refused ${incoming.status} body=${quote(incoming.body.trim())}`
  if (incoming.kind === 'failed') return `(the connection failed: ${incoming.message})`
  if (incoming.kind === 'binary') return `(a binary frame of ${incoming.bytes} bytes)`
  const received = receive(incoming.text)
  return received.ok ? `< ${lineOf(received.message)}` : received.wrong
}
