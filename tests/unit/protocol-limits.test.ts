import { once } from 'node:events'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { closes } from '../../protocol/closes.ts'
import { type ManualClock, manualClock } from '../helpers/manual-clock.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

const PING_S = 25
const IDLE_S = 15 * 60

async function withServer(use: (server: TestServer, clock: ManualClock) => Promise<void>): Promise<void> {
  const clock = manualClock()
  const server = await startServer({ MAX_OUTPUT_TOKENS: '20000', BUDGET_SHARE_PER_ADDRESS: '1' }, { clock })
  try {
    await use(server, clock)
  } finally {
    await server.close()
  }
}

/** Opens a socket and says hello on it. */
async function visit(server: TestServer, autoPong = true): Promise<{ ws: WebSocket; closed: Promise<[number]> }> {
  const ws = new WebSocket(server.ws, { autoPong })
  const closed = new Promise<[number]>((resolve) => ws.once('close', (code) => resolve([code])))
  await once(ws, 'open')
  ws.send('{"type":"hello"}')
  await heard(ws, 'welcome')
  return { ws, closed }
}

function heard(ws: WebSocket, type: string): Promise<void> {
  return new Promise((resolve) => {
    const listen = (data: Buffer) => {
      if (!data.toString().startsWith(`{"type":"${type}"`)) return
      ws.off('message', listen)
      resolve()
    }
    ws.on('message', listen)
  })
}

/** The server's next ping, and the certainty that it has our pong. */
async function heartbeat(ws: WebSocket, clock: ManualClock): Promise<void> {
  const ping = once(ws, 'ping')
  clock.advance(PING_S * 1000)
  await ping
  const pong = once(ws, 'pong')
  ws.ping()
  await pong
}

test('[LIM4] a socket that says nothing for 15 minutes is closed, pongs or not', async () => {
  await withServer(async (server, clock) => {
    const { ws, closed } = await visit(server)
    for (let s = PING_S; s < IDLE_S; s += PING_S) await heartbeat(ws, clock)
    assert.is(ws.readyState, WebSocket.OPEN)
    clock.advance(PING_S * 1000 + 2000)
    assert.equal(await closed, [closes.silent.code])
  })
})

test('[LIM5] a socket that answers no ping is cut off at the third', async () => {
  await withServer(async (server, clock) => {
    const { ws, closed } = await visit(server, false)
    await heartbeat(ws, clock)
    await heartbeat(ws, clock)
    clock.advance(PING_S * 1000)
    assert.equal(await closed, [1006])
  })
})

test('[LIM6] a socket that does not read is closed once 256 KB wait for it', async () => {
  await withServer(async (server, clock) => {
    server.emulator.setScenario({ name: 'ok', text: 'Bon vent, beau temps. '.repeat(2500) })
    const { ws, closed } = await visit(server)
    ws.send('{"type":"ask","id":"q1","text":"Bonjour"}')
    await heard(ws, 'done')
    ws.pause()
    // Each replay is 55 KB; what the system's own buffers take comes on top. Time moves on for the frame limit.
    for (let i = 0; i < 300; i += 1) {
      ws.send('{"type":"ask","id":"q1","text":"Bonjour"}')
      clock.advance(100)
      await new Promise(setImmediate)
    }
    ws.resume()
    assert.equal(await closed, [closes.tooSlow.code])
  })
})

test.run()
