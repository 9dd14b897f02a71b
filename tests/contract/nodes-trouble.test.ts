import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { type Emulator, startEmulator } from '../../emulator/emulator.ts'
import { systemClock } from '../../server/clock.ts'
import { silentLog } from '../../server/log.ts'
import type { Snapshot } from '../../server/quota/ledger.ts'
import { windows } from '../../server/quota/windows.ts'
import { initStore, openStore } from '../../server/stores/open.ts'
import { buildApp, type Ran, runMain } from '../helpers/built-app.ts'
import { Tab } from '../helpers/live-tab.ts'
import { startRedis } from '../helpers/redis.ts'
import { requireNginx, requireOpenssl } from '../helpers/tools.ts'
import { DOMAIN, deployedConf, startNginx } from './deploy-nginx.ts'

// Several built servers on one Redis, in trouble; the emulator's ledger is the only truth about the calls.
const KEY = 'AIzaSyNodes-0123456789_abcdefghijklmnop'
const CHUNKS = ['Bon vent, ', 'marin 🚲', ' ! Nos ', 'vélos.']
const TEXT = CHUNKS.join('')
const FIRST = CHUNKS[0]?.length ?? 0

type Node = { port: number; ws: string; ran: Ran }
type Scene = { nodes: Node[]; emulator: Emulator }

const app = buildApp()
const redis = await startRedis()
const [nginx, openssl] = [await requireNginx(), await requireOpenssl()]

async function onNodes(count: number, given: Record<string, string>, run: (scene: Scene) => Promise<void>) {
  const { dir, main } = await app
  const emulator = await startEmulator({ speed: 0, key: KEY })
  const cwd = await mkdtemp(join(tmpdir(), 'le-mecano-nodes-'))
  await redis?.empty()
  if (redis) await initStore(redis.url, silentLog)
  const env = {
    PORT: '0',
    PERSONA_DIR: join(dir, 'persona'),
    GEMINI_API_KEY: KEY,
    GEMINI_BASE_URL: emulator.url,
    STORE_URL: redis?.url ?? '',
    CHUNK_TIMEOUT_MS: '60000',
    ...given,
  }
  const started: Ran[] = []
  const start = async (): Promise<Node> => {
    const ran = runMain(main, cwd, env)
    started.push(ran)
    const url = String((await ran.line('listening')).url)
    return { port: Number(new URL(url).port), ws: `${url.replace('http', 'ws')}/ws`, ran }
  }
  try {
    const nodes = await Promise.all(Array.from({ length: count }, start))
    emulator.setScenario({ name: 'ok', gated: true, chunks: CHUNKS })
    await run({ nodes, emulator })
  } finally {
    for (const ran of started) ran.kill('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await emulator.close()
    await rm(cwd, { recursive: true, force: true })
  }
}

async function asking(at: { ws: string }, id = 'q1'): Promise<Tab> {
  const tab = await Tab.open(at)
  tab.send({ type: 'ask', id, text: 'Bonjour' })
  await tab.next('start')
  return tab
}

if (redis) {
  test('Redis is restarted while an answer streams: it goes on, the finished turn is kept, questions are admitted again', () =>
    onNodes(2, {}, async ({ nodes: [one, two], emulator }) => {
      if (!one || !two) throw new Error('two were started')
      const tab = await asking(one)
      emulator.release(1)
      await tab.read(FIRST)
      await redis.kill()
      emulator.release(1)
      await tab.read(CHUNKS.slice(0, 2).join('').length)
      const other = new WebSocket(two.ws, 'le-mecano.v1')
      const told = new Promise<string>((resolve) => {
        other.once('message', (data) => resolve(String(data)))
        other.once('close', (code) => resolve(`closed ${code}`))
        other.once('unexpected-response', (_, { statusCode }) => resolve(`refused ${statusCode}`))
        other.once('error', () => undefined)
      })
      other.once('open', () => other.send(JSON.stringify({ type: 'hello', session: tab.session })))
      const said = await told
      assert.match(said, /^refused 503$|^closed 101[123]$|"code":"overloaded"/)
      await redis.start()
      emulator.release(CHUNKS.length)
      await tab.read(TEXT.length)
      await tab.end(TEXT)
      other.terminate()
      assert.is(emulator.ledger().requests, 1)
      emulator.release(CHUNKS.length)
      for (const { port } of [one, two])
        while (!(await fetch(`http://127.0.0.1:${port}/readyz`)).ok) await setImmediate()
      tab.send({ type: 'ask', id: 'q2', text: 'Encore ?' })
      assert.is(await outcomeOf(tab), 'complete')
      await tab.drop()
      const back = await Tab.open(two, { session: tab.session, answer: { id: 'q1', offset: 0 } })
      await back.next('start')
      await back.read(TEXT.length, 0)
      await back.end(TEXT)
      assert.is(emulator.ledger().requests, 2)
      await back.drop()
    }))
}

async function outcomeOf(tab: Tab): Promise<string> {
  const message = await tab.next('start').catch((error: unknown) => String(error))
  if (typeof message === 'string') return /"code":"(\w+)"/.exec(message)?.[1] ?? message
  await tab.read(TEXT.length, 0)
  return (await tab.next('done')).reason
}

if (redis && nginx && openssl)
  for (const count of [2, 4])
    test(`${count} nodes behind nginx: dropped, killed -9, and asked again`, () =>
      onNodes(count, { TRUSTED_PROXIES: 'loopback' }, async ({ nodes, emulator }) => {
        const conf = await deployedConf(count)
        const front = await startNginx(conf, { binary: nginx, openssl, upstream: nodes.map(({ port }) => port) })
        const door = { ws: `wss://${DOMAIN}:${front.https}/ws`, ca: front.ca }
        try {
          const direct = nodes[count - 1]
          if (!direct) throw new Error('started')
          const before = await asking(direct)
          emulator.release(1)
          await before.read(FIRST)
          await before.drop()
          const after = await Tab.open(door, { session: before.session, answer: { id: 'q1', offset: FIRST } })
          after.text = before.text
          await after.next('start')
          emulator.release(1)
          await after.read(CHUNKS.slice(0, 2).join('').length)
          direct.ran.kill('SIGKILL')
          await direct.ran.ended
          // 1006 when nginx had led it to that very node.
          assert.ok([1012, 1006].includes(await after.closed))
          const back = await Tab.open(door, { session: before.session, answer: { id: 'q1', offset: 0 } })
          await back.next('start')
          assert.is(await back.readAll(0), 'interrupted')
          assert.ok(TEXT.startsWith(back.text), back.text)
          emulator.release(CHUNKS.length)
          back.send({ type: 'ask', id: 'q2', text: 'Encore ?' })
          assert.is(await outcomeOf(back), 'complete')
          assert.is(emulator.ledger().requests, 2)
          await back.drop()
        } finally {
          await front.close()
        }
      }))

/** What a newcomer's question comes to; undefined: he was not let in. */
async function asked(at: { ws: string; ca?: string }): Promise<string | undefined> {
  const tab = await Tab.open(at).catch(() => undefined)
  tab?.send({ type: 'ask', id: 'q1', text: 'Bonjour' })
  const outcome = tab && (await outcomeOf(tab))
  await tab?.drop()
  return outcome
}

if (redis)
  for (const count of [2, 4])
    test(`Redis hangs while ${count} nodes stream: each visitor reads on, new questions are refused, nothing is bought; then it goes on`, () =>
      onNodes(count, { IP_ASK_BURST: '1000' }, async ({ nodes, emulator }) => {
        const idle = await Promise.all(nodes.map((node) => Tab.open(node)))
        const tabs = await Promise.all(nodes.map((node) => asking(node)))
        while (emulator.ledger().requests < count) await setImmediate()
        emulator.release(count)
        for (const tab of tabs) await tab.read(FIRST)
        redis.signal('SIGSTOP')
        emulator.release(count)
        for (const tab of tabs) await tab.read(CHUNKS.slice(0, 2).join('').length)
        const told = idle.map((tab) => {
          tab.send({ type: 'ask', id: 'q1', text: 'Bonjour' })
          return outcomeOf(tab)
        })
        assert.equal(await Promise.all(told), Array(count).fill('overloaded'))
        // Newcomers are sent away at the door.
        assert.equal(await Promise.all(nodes.map(asked)), Array(count).fill(undefined))
        assert.is(emulator.ledger().requests, count)
        emulator.release(4 * count * CHUNKS.length)
        for (const tab of tabs) {
          await tab.read(TEXT.length)
          await tab.end(TEXT)
        }
        redis.signal('SIGCONT')
        for (const node of nodes) while ((await asked(node)) !== 'complete') await setImmediate()
        // What was said while Redis hung is there on every other node too.
        for (const [n, { session }] of tabs.entries()) {
          const other = nodes[(n + 1) % count]
          if (!other) throw new Error('started')
          const back = await Tab.open(other, { session, answer: { id: 'q1', offset: 0 } })
          await back.next('start')
          await back.read(TEXT.length, 0)
          await back.end(TEXT)
          await back.drop()
        }
        const { spent } = await booked(redis.url)
        assert.is(spent.requests, emulator.ledger().requests, 'each call was set aside, and no more than that')
        for (const tab of [...tabs, ...idle]) await tab.drop()
      }))

async function booked(url: string): Promise<Snapshot> {
  const store = await openStore(url, { clock: systemClock, log: silentLog })
  const window = windows('Europe/Paris')(Date.now())
  return store.ledger.snapshot(window, { dayNano: 1e9, monthNano: 20e9 }).finally(() => store.close())
}

test('what was started ends', async () => {
  await redis?.close()
  await (await app).remove()
})

test.run()
