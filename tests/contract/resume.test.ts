import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cuttingProxy } from '../helpers/cutting-proxy.ts'
import { Tab } from '../helpers/live-tab.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

const CHUNKS = ['Bon vent, ', 'marin 🚲', ' ! Nos ', 'vélos 🌊🌊', '.']
const TEXT = CHUNKS.join('')
const GATED = { name: 'ok', gated: true, chunks: CHUNKS } as const
const WIDE = {
  MAX_CONNECTIONS_PER_IP: '100',
  IP_UPGRADE_BURST: '1000',
  IP_ASK_BURST: '1000',
  MAX_STREAMS_PER_IP: '100',
}

async function onServer(run: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startServer(WIDE)
  server.emulator.setScenario(GATED)
  try {
    await run(server)
    assert.is(server.house.app.streams, 0)
  } finally {
    await server.close()
  }
}

const lengthOf = (chunks: number) => CHUNKS.slice(0, chunks).join('').length

/** The server knows that a socket is gone when it counts one less; each upgrade and answer is a turn for it to see. */
async function isGone(server: TestServer, connections: number): Promise<void> {
  while (server.house.app.connections > connections) await fetch(`${server.url}/healthz`).then((it) => it.arrayBuffer())
}

for (const missed of [0, 1])
  test(`[RES1] a drop at every chunk boundary, ${missed} chunks missed: the same text, one call`, () =>
    onServer(async (server) => {
      for (let at = 0; at + missed <= CHUNKS.length; at++) {
        server.emulator.resetLedger()
        const one = await Tab.open(server)
        one.send({ type: 'ask', id: 'q1', text: 'Bonjour' })
        await one.next('start')
        server.emulator.release(at)
        await one.read(lengthOf(at))
        await one.drop()
        await isGone(server, 0)
        if (missed > 0) server.emulator.release(missed)
        const two = await Tab.open(server, { session: one.session, answer: { id: 'q1', offset: one.text.length } })
        two.text = one.text
        await two.next('start')
        if (at + missed < CHUNKS.length) server.emulator.release(CHUNKS.length - at - missed)
        await two.read(TEXT.length)
        await two.end(TEXT)
        assert.is(server.emulator.ledger().requests, 1)
        await two.drop()
      }
    }))

/** Asks through a network that fails `after` bytes of the answer, and takes up the rest; false: it was all there. */
async function cutAnswer(server: TestServer, after: number): Promise<boolean> {
  const proxy = await cuttingProxy(server)
  server.emulator.resetLedger()
  const one = await Tab.open(proxy)
  one.send({ type: 'ask', id: 'q1', text: 'Bonjour' })
  await one.next('start')
  proxy.cutAt(proxy.passed + after)
  server.emulator.release(CHUNKS.length)
  const ended = await one.readAll()
  const two = await Tab.open(server, { session: one.session, answer: { id: 'q1', offset: one.text.length } })
  two.text = one.text
  await two.next('start')
  await two.read(TEXT.length)
  await two.end(TEXT)
  assert.is(server.emulator.ledger().requests, 1)
  await Promise.all([one.drop(), two.drop()])
  await proxy.close()
  return ended === undefined
}

test('[RES1] a network that fails in the middle of a frame, wherever: the same text, one call', () =>
  onServer(async (server) => {
    let cuts = 0
    for (let after = 1; await cutAnswer(server, after); after += 5) cuts += 1
    assert.ok(cuts > 40, `${cuts} cuts`)
  }))

test('[RES1] a connection that is lost again and again ends with the whole text', () =>
  onServer(async (server) => {
    let tab = await Tab.open(server)
    tab.send({ type: 'ask', id: 'q1', text: 'Bonjour' })
    await tab.next('start')
    for (let at = 1; at < CHUNKS.length; at++) {
      server.emulator.release(1)
      await tab.read(lengthOf(at))
      await tab.drop()
      const { session, text } = tab
      tab = await Tab.open(server, { session, answer: { id: 'q1', offset: text.length } })
      tab.text = text
      await tab.next('start')
    }
    server.emulator.release(1)
    await tab.read(TEXT.length)
    await tab.end(TEXT)
    assert.is(server.emulator.ledger().requests, 1)
    await tab.drop()
  }))

test('[RES2] a page that is loaded anew mid-answer gets all of it from the beginning', () =>
  onServer(async (server) => {
    const one = await Tab.open(server)
    one.send({ type: 'ask', id: 'q1', text: 'Bonjour' })
    await one.next('start')
    server.emulator.release(2)
    await one.read(lengthOf(2))
    await one.drop()
    const two = await Tab.open(server, { session: one.session })
    assert.is((await two.next('start')).question, 'Bonjour')
    await two.read(lengthOf(2))
    server.emulator.release(CHUNKS.length - 2)
    await two.read(TEXT.length)
    await two.end(TEXT)
    assert.is(server.emulator.ledger().requests, 1)
    await two.drop()
  }))

test('[SES1] two tabs read one answer; when one goes the other reads on, and a finished turn is given again', () =>
  onServer(async (server) => {
    const one = await Tab.open(server)
    const two = await Tab.open(server, { session: one.session })
    one.send({ type: 'ask', id: 'q1', text: 'Bonjour' })
    for (const tab of [one, two]) await tab.next('start')
    server.emulator.release(1)
    for (const tab of [one, two]) await tab.read(lengthOf(1))
    await one.drop()
    server.emulator.release(CHUNKS.length - 1)
    await two.read(TEXT.length)
    await two.end(TEXT)
    const three = await Tab.open(server, { session: one.session, answer: { id: 'q1', offset: one.text.length } })
    three.text = one.text
    await three.next('start')
    await three.read(TEXT.length)
    await three.end(TEXT)
    assert.is(server.emulator.ledger().requests, 1)
    for (const tab of [two, three]) await tab.drop()
  }))

test.run()
