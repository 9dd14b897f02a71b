import { channel } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { watchWire } from '../../server/model/wire.ts'

const publish = (name: string, message: object) => channel(`undici:${name}`).publish(message)

/** A watch of 100 bytes over a request of its own, and what it complained of. */
function setup() {
  const complaints: string[] = []
  const request = {}
  const excess = () => complaints.push('excess')
  const watch = watchWire(100, excess, () => complaints.push('redirect'))
  const receive = (bytes: number, of: object = request) =>
    publish('request:bodyChunkReceived', { request: of, chunk: new Uint8Array(bytes) })
  watch.run(() => publish('request:create', { request }))
  return { complaints, request, watch, receive }
}

test('the pieces of a body are counted together, up to the bound', () => {
  const { complaints, watch, receive } = setup()
  receive(60)
  receive(40)
  assert.equal(complaints, [])
  receive(1)
  assert.equal(complaints, ['excess'])
  watch.close()
})

test("other calls' requests and bodies are not ours", () => {
  const { complaints, watch, receive } = setup()
  const other = {}
  publish('request:create', { request: other })
  receive(1000, other)
  assert.equal(complaints, [])
  watch.close()
})

test('a second request of the same call is a redirect', () => {
  const { complaints, watch } = setup()
  watch.run(() => publish('request:create', { request: {} }))
  assert.equal(complaints, ['redirect'])
  watch.close()
})

test('a socket of HTTP/2 carries other calls too: it is left alone', () => {
  const { request, watch } = setup()
  const socket = new TLSSocket(new Socket())
  socket.alpnProtocol = 'h2'
  const before = socket.listenerCount('readable')
  publish('client:sendHeaders', { request, socket })
  assert.is(socket.listenerCount('readable'), before)
  watch.close()
  socket.destroy()
})

test('a socket of HTTP/1 is listened to until the watch is closed', () => {
  const { request, watch } = setup()
  const socket = new Socket()
  publish('client:sendHeaders', { request, socket })
  assert.is(socket.listenerCount('readable'), 1)
  watch.close()
  assert.is(socket.listenerCount('readable'), 0)
  socket.destroy()
})

test('after close, and for messages of another shape, nothing happens', () => {
  const { complaints, watch, receive } = setup()
  for (const odd of [{}, { request: 7 }, { request: null, chunk: 'x' }]) {
    for (const name of ['request:create', 'client:sendHeaders', 'request:bodyChunkReceived']) publish(name, odd)
  }
  watch.close()
  receive(1000)
  assert.equal(complaints, [])
})

test.run()
