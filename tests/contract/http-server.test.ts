import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createHttpServer, httpLimits, listenOn } from '../../server/http/server.ts'
import { dial, exchange, get, parseAnswer, readAll } from '../helpers/raw-http.ts'

test('[ATTACK18] slow or silent clients are let go', async () => {
  const limits = {
    ...httpLimits,
    headersTimeout: 60,
    requestTimeout: 80,
    keepAliveTimeout: 60,
    connectionsCheckingInterval: 10,
  }
  const server = createHttpServer((_, response) => void response.end('ok'), 10, limits)
  const url = await listenOn(server, { host: '127.0.0.1', port: 0 })
  for (const bytes of ['', 'GET / HT', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ']) {
    const socket = dial(url)
    socket.write(bytes)
    assert.is(parseAnswer(await readAll(socket)).status, 408, bytes)
  }
  const kept = dial(url)
  kept.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.is(parseAnswer(await readAll(kept)).status, 200)
  server.close()
})

test('[ATTACK17] who asks and asks but never reads is let go', async () => {
  const body = Buffer.alloc(1_000_000)
  const server = createHttpServer((_, response) => void response.end(body), 10, { ...httpLimits, silenceTimeout: 100 })
  const url = await listenOn(server, { host: '127.0.0.1', port: 0 })
  const greedy = dial(url).pause()
  greedy.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(100))
  const [held] = await once(server, 'connection')
  if (!held.destroyed) await once(held, 'close')
  greedy.destroy()
  server.close()
})

test('[ATTACK13] connections beyond the bound are dropped, and those within it are served', async () => {
  const limits = { ...httpLimits, spareConnections: 2 }
  const server = createHttpServer((_, response) => void response.end('ok'), 1, limits)
  const url = await listenOn(server, { host: '127.0.0.1', port: 0 })
  const held = [dial(url), dial(url), dial(url)]
  await Promise.all(held.map((socket) => once(socket, 'connect')))
  assert.is((await exchange(url, get('/'))).status, 0)
  const [first] = held
  first?.write(get('/'))
  assert.is(first && parseAnswer(await readAll(first)).body, 'ok')
  for (const socket of held) socket.destroy()
  server.close()
})

test('[ATTACK18] the bounds of the server are those of a patient phone, no more', () => {
  assert.ok(httpLimits.headersTimeout + httpLimits.connectionsCheckingInterval <= 15_000)
  assert.ok(httpLimits.requestTimeout <= 15_000 && httpLimits.maxHeaderSize <= 8192)
})

test('a Unix socket that a killed process left is replaced, a living one is not', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-unix-'))
  const path = join(dir, 'x.sock')
  const living = createHttpServer((_, response) => void response.end('living'), 10)
  assert.is(await listenOn(living, { path }), `unix:${path}`)
  const second = createHttpServer((_, response) => void response.end('second'), 10)
  const codeOf = (error: NodeJS.ErrnoException) => error.code
  assert.is(await listenOn(second, { path }).catch(codeOf), 'EADDRINUSE')
  living.close()
  await once(living, 'close')
  await writeFile(path, 'a file, no socket')
  assert.is(await listenOn(second, { path }).catch(codeOf), 'EADDRINUSE')
  await rm(path)
  await leaveSocketBehind(path)
  assert.is(await listenOn(second, { path }), `unix:${path}`)
  const socket = connect(path)
  socket.write(get('/'))
  assert.match(await readAll(socket), 'second')
  second.close()
  await rm(dir, { recursive: true })
})

/** As kill -9 does: the file stays, nobody listens. */
async function leaveSocketBehind(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', script], { stdio: 'ignore' }), 'close')
}

test.run()
