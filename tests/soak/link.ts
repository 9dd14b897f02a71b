import { WebSocket } from 'ws'
import type { Link, LinkEvents } from '../../client/connection.ts'
import { SUBPROTOCOL } from '../../protocol/messages.ts'
import { parseServerMessage } from '../../protocol/parse.ts'
import type { Books } from './books.ts'

export type Line = Link & { cut(): void }

/**
 * A browser's WebSocket from an address of its own, which holds the server to its word at every message: deltas and an
 * end only after a start, each where the one before ended, and of each start one end.
 */
export function openLine(url: string, localAddress: string, books: Books, events: LinkEvents): Line {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, SUBPROTOCOL, {
    localAddress,
    perMessageDeflate: false,
  })
  const open = new Map<string, number | undefined>()
  const judge = (text: string) => {
    const parsed = parseServerMessage(text)
    if (!parsed.ok) return books.complain(`no message of the protocol: ${parsed.reason}`)
    const { message } = parsed
    if (message.type === 'error' && message.code !== 'rate_limited' && message.code !== 'overloaded')
      books.complain(`an error: ${message.code}`)
    // Where a replay begins, only who asked for it knows.
    if (message.type === 'start') open.set(message.id, undefined)
    if (message.type !== 'delta' && message.type !== 'done') return
    if (!open.has(message.id)) return books.complain(`${message.type} without a start`)
    const at = open.get(message.id)
    if (message.type === 'done') {
      if (at !== undefined && at !== message.length) books.complain('an end that does not close the count')
      open.delete(message.id)
    } else {
      if (at !== undefined && at !== message.offset) books.complain(`a delta at ${message.offset}, not ${at}`)
      open.set(message.id, message.offset + message.text.length)
    }
  }
  socket.on('open', events.opened)
  socket.on('message', (data) => {
    const text = data.toString()
    judge(text)
    events.text(text)
  })
  socket.on('unexpected-response', () => socket.terminate())
  socket.on('error', () => {})
  socket.on('close', events.closed)
  return {
    send: (text) => socket.send(text),
    close: () => socket.close(1000),
    cut: () => socket.terminate(),
  }
}
