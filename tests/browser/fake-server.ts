import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { WebSocket } from 'ws'
import { WebSocketServer } from 'ws'
import type { ClientMessage, ServerMessage } from '../../protocol/messages.ts'
import { SUBPROTOCOL } from '../../protocol/messages.ts'
import { parseClientMessage } from '../../protocol/parse.ts'
import { securityHeaders } from '../../server/http/headers.ts'
import { buildPages } from './client-pages.ts'

/** What came and was not awaited yet, in order; `next` waits without a limit, the runner has one. */
export class Inbox<T> {
  readonly #items: T[] = []
  readonly #waiting: ((item: T) => void)[] = []

  put(item: T): void {
    const waiter = this.#waiting.shift()
    if (waiter) waiter(item)
    else this.#items.push(item)
  }

  clear(): void {
    this.#items.length = this.#waiting.length = 0
  }

  next(): Promise<T> {
    const item = this.#items.shift()
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item)
  }
}

/** One socket of a page, its messages held for the test that plays the server. */
export class Peer {
  readonly #socket: WebSocket
  readonly #inbox = new Inbox<ClientMessage>()

  constructor(socket: WebSocket, problems: string[]) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('message', (data) => {
      const parsed = parseClientMessage(String(data))
      if (parsed.ok) this.#inbox.put(parsed.message)
      else problems.push(`the page sent ${String(data)}: ${parsed.reason}`)
    })
  }

  /** The next message, which must be of this type. */
  async expect<T extends ClientMessage['type']>(type: T): Promise<Extract<ClientMessage, { type: T }>> {
    const message = await this.#inbox.next()
    const is = (m: ClientMessage): m is Extract<ClientMessage, { type: T }> => m.type === type
    if (is(message)) return message
    throw new Error(`${type} was expected, but ${JSON.stringify(message)} came`)
  }

  send(...messages: ServerMessage[]): void {
    for (const message of messages) this.#socket.send(JSON.stringify(message))
  }

  /** A frame of any text. */
  raw(text: string): void {
    this.#socket.send(text)
  }

  close(code: number): void {
    this.#socket.close(code)
  }

  drop(): void {
    this.#socket.terminate()
  }
}

export type FakeServer = {
  url: string
  /** The next socket that a page opens. */
  peer(): Promise<Peer>
  /** From now on upgrades are answered with 503, until `refuse(false)`. */
  refuse(refused: boolean): void
  /** What came to nobody, or was waited for in vain, is none of the next test's business. */
  forget(): void
  /** How many upgrades were asked for. */
  upgrades(): number
  /** Origins that may frame the page beside its own. */
  framedBy: string[]
  /** What a page did against the protocol. */
  problems: string[]
  close(): Promise<void>
}

/** Serves the page, built as for release, under the release's headers; the test plays the other end of the wire. */
export async function startFakeServer(): Promise<FakeServer> {
  const pages = await buildPages()
  const framedBy: string[] = []
  const http = createServer((request, response) => {
    const page = pages.get(request.url?.split('?')[0] ?? '')
    const headers = { ...securityHeaders(framedBy), ...page?.headers }
    response.writeHead(page ? 200 : 404, { ...headers, ...(page && { 'content-type': page.type }) }).end(page?.body)
  })
  const wss = new WebSocketServer({ noServer: true, handleProtocols: () => SUBPROTOCOL })
  const peers = new Inbox<Peer>()
  const problems: string[] = []
  let refused = false
  let upgrades = 0
  http.on('upgrade', (request: IncomingMessage, socket, head) => {
    upgrades++
    if (request.url !== '/ws') problems.push(`upgrade of ${request.url}`)
    if (refused) socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n')
    else wss.handleUpgrade(request, socket, head, (ws) => peers.put(new Peer(ws, problems)))
  })
  const port = await new Promise<number>((resolve) => {
    http.listen(0, '127.0.0.1', () => {
      const address = http.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
  return {
    url: `http://127.0.0.1:${port}/`,
    peer: () => peers.next(),
    refuse: (on) => {
      refused = on
    },
    forget: () => peers.clear(),
    upgrades: () => upgrades,
    framedBy,
    problems,
    close: async () => {
      for (const ws of wss.clients) ws.terminate()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}
