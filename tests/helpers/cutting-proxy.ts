import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A network that fails in the middle of whatever is on its way. */
export type CuttingProxy = {
  ws: string
  /** Bytes that the client was given so far. */
  readonly passed: number
  /** Cuts both ends, without a word, once the client has been given that many bytes. */
  cutAt(bytes: number): void
  close(): Promise<void>
}

/** Passes on what one client and the server say, in pieces of so many bytes at the most. */
export async function cuttingProxy(server: { ws: string }, { bytesAtOnce = Infinity } = {}): Promise<CuttingProxy> {
  const { port, pathname } = new URL(server.ws)
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  }
  let passed = 0
  let most = Number.POSITIVE_INFINITY
  const proxy = createServer((client) => {
    const upstream = keep(connect(Number(port), '127.0.0.1'))
    keep(client).on('data', (bytes: Buffer) => inPieces(bytes, bytesAtOnce, (piece) => upstream.write(piece)))
    client.on('end', () => upstream.end())
    upstream.setNoDelay(true).on('data', (bytes: Buffer) => {
      const rest = bytes.subarray(0, most - passed)
      passed += rest.length
      inPieces(rest, bytesAtOnce, (piece) => client.write(piece))
      if (passed < most) return
      client.end()
      upstream.destroy()
    })
    upstream.on('close', () => client.end())
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  const own = typeof address === 'object' && address ? address.port : 0
  return {
    ws: `ws://127.0.0.1:${own}${pathname}`,
    get passed() {
      return passed
    },
    cutAt(bytes) {
      most = bytes
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}

function inPieces(bytes: Buffer, size: number, write: (piece: Buffer) => void): void {
  for (let at = 0; at < bytes.length; at += size) write(bytes.subarray(at, at + size))
}
