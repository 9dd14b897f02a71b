import type { LookupFunction } from 'node:net'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import type { ClientMessage, ServerMessage } from '../../protocol/messages.ts'
import { SUBPROTOCOL } from '../../protocol/messages.ts'
import { parseServerMessage } from '../../protocol/parse.ts'

/** A certificate's name leads here, as DNS would lead it to the machine. */
export const toLoopback: LookupFunction = (_, { all }, done) =>
  all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)

/** A tab on a real socket: its messages in order, each waited for. */
export class Tab {
  session = ''
  text = ''
  private readonly queue: ServerMessage[] = []
  private wake = () => {}

  /** Resolves with the close code. */
  readonly closed: Promise<number>

  private constructor(private readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('message', (data) => {
      const parsed = parseServerMessage(String(data))
      if (!parsed.ok) throw new Error(parsed.reason)
      this.queue.push(parsed.message)
      this.wake()
    })
  }

  static async open(
    server: { ws: string; ca?: string },
    hello: Omit<Extract<ClientMessage, { type: 'hello' }>, 'type'> = {},
  ): Promise<Tab> {
    const door = server.ca === undefined ? {} : { ca: server.ca, lookup: toLoopback }
    const socket = new WebSocket(server.ws, SUBPROTOCOL, door)
    const tab = new Tab(socket)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    tab.send({ type: 'hello', ...hello })
    tab.session = (await tab.next('welcome')).session
    return tab
  }

  send(message: ClientMessage): void {
    this.socket.send(JSON.stringify(message))
  }

  /** The next message, which must be of that type. */
  async next<T extends ServerMessage['type']>(type: T): Promise<Extract<ServerMessage, { type: T }>> {
    while (this.queue.length === 0) await new Promise<void>((resolve) => (this.wake = resolve))
    const message = this.queue.shift()
    if (!isOf(message, type)) throw new Error(`${type} was due, not ${JSON.stringify(message)}`)
    return message
  }

  /** Reads deltas until the text is `length` long; each goes on where the one before ended. */
  async read(length: number, from = this.text.length): Promise<void> {
    this.text = this.text.slice(0, from)
    while (this.text.length < length) {
      const { offset, text } = await this.next('delta')
      assert.is(offset, this.text.length)
      this.text += text
    }
  }

  /** Reads deltas until the end, and says why it ended; undefined: the connection was lost. */
  async readAll(from = this.text.length): Promise<string | undefined> {
    this.text = this.text.slice(0, from)
    for (;;) {
      const waiting = new Promise<void>((resolve) => (this.wake = resolve))
      if (this.queue.length === 0) await Promise.race([waiting, this.closed])
      const message = this.queue.shift()
      if (message?.type === 'done') return message.reason
      if (message?.type !== 'delta') return undefined
      assert.is(message.offset, this.text.length)
      this.text += message.text
    }
  }

  async end(text: string, reason = 'complete'): Promise<void> {
    const done = await this.next('done')
    assert.equal([done.reason, done.length, this.text], [reason, text.length, text])
  }

  /** Cuts the connection without a close frame. */
  drop(): Promise<unknown> {
    this.socket.terminate()
    return this.closed
  }
}

const isOf = <T extends ServerMessage['type']>(
  message: ServerMessage | undefined,
  type: T,
): message is Extract<ServerMessage, { type: T }> => message?.type === type
