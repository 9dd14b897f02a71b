import { chmod, type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Link, LinkEnd, Peers } from '../chat/ports.ts'
import type { Log } from '../log.ts'

export type OpenPeers = Peers & { close(): Promise<void> }

// A Unix socket's address holds some hundred bytes; a longer one is reached through its open folder.
const LONGEST_PATH = 100
const UNREAD_BYTES = 1 << 20
const STALE_MS = 60_000

/**
 * The processes on one SQLite file: each listens on a Unix socket in a folder beside it, which is its user's alone.
 * The system tells at once whether somebody is there, also after kill -9, and what is said touches no disk.
 */
export function sqlitePeers(file: string, self: string, log: Log): OpenPeers {
  const folder = `${file}-peers`
  const sockets = new Set<Socket>()
  let handle: FileHandle | undefined
  const pathOf = async (peer: string) => {
    const path = join(folder, peer)
    if (Buffer.byteLength(path) <= LONGEST_PATH) return path
    handle ??= await open(folder, 'r')
    return `/proc/self/fd/${handle.fd}/${peer}`
  }
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  /** Undefined: nobody listens there; a file that a dead process left is removed. */
  const dial = async (peer: string): Promise<Socket | undefined> => {
    try {
      const socket = connect(await pathOf(peer))
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      keep(socket)
      return socket
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
      if (code !== 'ECONNREFUSED' && code !== 'ENOENT') throw cause
      await rm(join(folder, peer), { force: true })
      return undefined
    }
  }
  const server = createServer()
  const listen = async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
    const path = await pathOf(self)
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  }
  const tidy = async () => {
    for (const name of await readdir(folder)) {
      const { mtimeMs } = await stat(join(folder, name))
      if (name !== self && Date.now() - mtimeMs > STALE_MS) (await dial(name))?.destroy()
    }
  }
  return {
    async connect(peer, key, end) {
      const socket = await dial(peer)
      socket?.write(`${key}\n`)
      return socket && linkOver(socket, end)
    },
    async serve(accept) {
      server.on('connection', (socket) => {
        keep(socket)
        linkOver(socket, accept)
      })
      // Alone it serves as well: what others can't reach they take over.
      await listen().catch((cause: unknown) => log.warn('peers_unheard', { reason: String(cause) }))
      await tidy().catch(() => undefined)
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
      await handle?.close()
    },
  }
}

/** Messages as lines of base64. Who was called has its end once the first line, the key, is there. */
function linkOver(socket: Socket, given: LinkEnd | ((key: string, link: Link) => LinkEnd)): Link {
  let end = typeof given === 'function' ? undefined : given
  const link: Link = {
    send(message) {
      if (!socket.writable) return
      socket.write(`${Buffer.from(message).toString('base64')}\n`)
      if (socket.writableLength > UNREAD_BYTES) socket.destroy()
    },
    close: () => socket.destroySoon(),
  }
  socket.on('error', () => undefined)
  createInterface({ input: socket }).on('line', (line) => {
    if (end) end.message(Buffer.from(line, 'base64'))
    else if (typeof given === 'function') end = given(line, link)
  })
  socket.once('close', () => end?.closed())
  return link
}
