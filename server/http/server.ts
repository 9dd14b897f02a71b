import { lstat, unlink } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type ListenOptions } from 'node:net'

/** Bounds on slow or idle clients, in ms, and on a request's headers, in bytes. */
export const httpLimits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 2500,
  maxHeaderSize: 8192,
  /** Without a byte in either direction: who asks again and again but never reads. */
  silenceTimeout: 30_000,
  /** Connections beside those of WebSockets. */
  spareConnections: 1000,
} as const
export type HttpLimits = { readonly [name in keyof typeof httpLimits]: number }

/** Node's server within these bounds, for so many WebSockets; it doesn't listen yet. */
export function createHttpServer(
  handler: RequestListener,
  maxSockets: number,
  limits: HttpLimits = httpLimits,
): Server {
  const server = createServer(limits, handler)
  server.setTimeout(limits.silenceTimeout)
  server.maxConnections = maxSockets + limits.spareConnections
  return server
}

/**
 * Resolves with the address (http://host:port or unix:path) once clients can connect; rejects with the system's error.
 * A Unix socket that a killed process left behind is replaced, one that somebody listens on is not.
 */
export async function listenOn(server: Server, where: ListenOptions): Promise<string> {
  try {
    return await open(server, where)
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    if (!taken || where.path === undefined || !(await isAbandoned(where.path))) throw error
    await unlink(where.path)
    return open(server, where)
  }
}

function open(server: Server, where: ListenOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve(urlOf(server.address()))
    })
  })
}

/** Nobody answers on a Unix socket whose process is gone; nor on a file that is none, which is somebody's. */
async function isAbandoned(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return `unix:${address ?? ''}`
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
