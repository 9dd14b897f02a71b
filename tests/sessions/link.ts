import { WebSocket } from 'ws'

/** What happens on a socket, in order. `text` is the frame as it came. */
export type Incoming =
  | { kind: 'message'; text: string }
  | { kind: 'binary'; bytes: number }
  | { kind: 'closed'; code: number; reason: string }
  | { kind: 'refused'; status: number; headers: Record<string, unknown>; body: string }
  | { kind: 'failed'; message: string }

export type LinkOptions = { url: string; subprotocol?: string; headers: Record<string, string> }

/** One socket of a session: what comes waits in a queue until it is asked for. */
export class Link {
  readonly #socket: WebSocket
  readonly #queue: Incoming[] = []
  readonly #opened: Promise<void>
  readonly #waiting = new Set<() => void>()
  #hasOpened = false
  #ended = false

  constructor({ url, subprotocol, headers }: LinkOptions) {
    const socket = new WebSocket(url, subprotocol === undefined ? [] : subprotocol.split(/[ ,]+/), { headers })
    this.#socket = socket
    this.#opened = new Promise((resolve) => {
      socket.once('open', () => {
        this.#hasOpened = true
        resolve()
      })
    })
    socket.on('message', (data, isBinary) => {
      const bytes = Buffer.isBuffer(data) ? data : Buffer.from([])
      this.#add(isBinary ? { kind: 'binary', bytes: bytes.length } : { kind: 'message', text: bytes.toString() })
    })
    socket.on('unexpected-response', (_request, response) => {
      const body: Buffer[] = []
      response.on('data', (chunk: Buffer) => body.push(chunk))
      response.once('close', () => {
        const { statusCode: status = 0, headers } = response
        this.#add({ kind: 'refused', status, headers, body: Buffer.concat(body).toString() })
        socket.terminate()
      })
    })
    // Once it is open, an error is followed by the close that tells of it.
    socket.on('error', (error) => {
      if (!this.#hasOpened) this.#add({ kind: 'failed', message: error.message })
    })
    socket.on('close', (code, reason) => {
      this.#add({ kind: 'closed', code, reason: reason.toString() })
    })
  }

  get subprotocol(): string {
    return this.#socket.protocol
  }

  /** What comes next, taken out or (`peek`) left there; undefined when nothing does within `ms`. */
  async next(ms: number, peek = false): Promise<Incoming | undefined> {
    if (this.#queue.length === 0) await this.#arrival(ms)
    return peek ? this.#queue[0] : this.#queue.shift()
  }

  /** Resolves once the upgrade has ended, either way, or after `ms`; true: it is open. */
  async opened(ms: number): Promise<boolean> {
    if (this.#socket.readyState === WebSocket.CONNECTING) await this.#arrival(ms, this.#opened)
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Sends a frame; on a socket that is no longer open it goes nowhere. */
  send(data: string | Uint8Array, binary = false): void {
    this.#socket.send(data, { binary }, () => {})
  }

  /** A ping and its pong: what the server had to say to all before has come by then, or is still in its hands. */
  async fence(ms: number): Promise<void> {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#socket.once('pong', end).once('close', end).ping()
    })
  }

  /** Destroys the TCP connection, without a close frame. */
  drop(): void {
    this.#ended = true
    this.#queue.length = 0
    this.#socket.terminate()
  }

  /** Resolves when the connection is gone. */
  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return
    const gone = new Promise((resolve) => this.#socket.once('close', resolve))
    this.#socket.terminate()
    await gone
  }

  #add(incoming: Incoming): void {
    // A refusal or a failure is told once, not again as a close; after a drop nothing is told.
    if (this.#ended) return
    this.#ended = incoming.kind !== 'message' && incoming.kind !== 'binary'
    this.#queue.push(incoming)
    for (const wake of this.#waiting) wake()
  }

  #arrival(ms: number, or?: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.#waiting.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#waiting.add(end)
      void or?.then(end)
    })
  }
}
