import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import * as v from 'valibot'

/** What a call may not do on the wire. `run` makes the call; `close` stops watching it. */
export type WireWatch = { run<T>(call: () => T): T; close(): void }

const current = new AsyncLocalStorage<object>()
const request = v.custom<object>((given) => typeof given === 'object' && given !== null)
const created = v.object({ request })
const sent = v.object({ request, socket: v.instance(Socket) })
const received = v.object({ request, chunk: v.instance(Uint8Array) })

/**
 * Watches one fetch through Node's own diagnostics channels, since the SDK lets nobody near its fetch:
 * `onRedirect` before a second request (which would carry the key) leaves, `onExcess` once more than `maxBytes` came.
 */
export function watchWire(maxBytes: number, onExcess: () => void, onRedirect: () => void): WireWatch {
  const me = {}
  let mine: object | undefined
  let bytes = 0
  let off = () => {}

  const stops = [
    listen('undici:request:create', created, (message) => {
      if (current.getStore() !== me) return
      if (mine) onRedirect()
      mine = message.request
    }),
    // Node 24 and later tell of every piece of a body.
    listen('undici:request:bodyChunkReceived', received, (message) => {
      if (message.request !== mine) return
      bytes += message.chunk.byteLength
      if (bytes > maxBytes) onExcess()
    }),
    // Before that there is only the socket; in HTTP/2 it carries other calls too.
    listen('undici:client:sendHeaders', sent, ({ request, socket }) => {
      if (request !== mine || isShared(socket)) return
      off()
      off = countBytes(socket, maxBytes, onExcess)
    }),
  ]
  return {
    run: (call) => current.run(me, call),
    close() {
      for (const stop of stops) stop()
      off()
    },
  }
}

function listen<M>(channel: string, schema: v.GenericSchema<unknown, M>, on: (message: M) => void): () => void {
  const onMessage = (message: unknown) => {
    const parsed = v.safeParse(schema, message)
    if (parsed.success) on(parsed.output)
  }
  subscribe(channel, onMessage)
  return () => unsubscribe(channel, onMessage)
}

const isShared = (socket: Socket): boolean => socket instanceof TLSSocket && socket.alpnProtocol === 'h2'

// Only listens: `readable` tells that bytes came, the reading stays undici's.
function countBytes(socket: Socket, maxBytes: number, onExcess: () => void): () => void {
  const before = socket.bytesRead
  const count = () => {
    if (socket.bytesRead - before > maxBytes) onExcess()
  }
  socket.on('readable', count)
  return () => socket.off('readable', count)
}
