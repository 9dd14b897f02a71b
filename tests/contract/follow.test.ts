import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { Tab } from '../helpers/live-tab.ts'
import { startRedis } from '../helpers/redis.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

const CHUNKS = ['Bon vent, ', 'marin 🚲', ' ! Nos ', 'vélos 🌊🌊', '.']
const TEXT = CHUNKS.join('')
const GATED = { name: 'ok', gated: true, chunks: CHUNKS } as const
const WIDE = { MAX_CONNECTIONS_PER_IP: '100', IP_UPGRADE_BURST: '1000', IP_ASK_BURST: '1000', DRAIN_MS: '60000' }
const lengthOf = (chunks: number) => CHUNKS.slice(0, chunks).join('').length

type Place = { name: string; url: string; empty(): Promise<unknown> }
const folder = await mkdtemp(join(tmpdir(), 'follow-'))
const redis = await startRedis()
const places: Place[] = [{ name: 'sqlite', url: `sqlite:${join(folder, 'chat.db')}`, empty: async () => undefined }]
if (redis) {
  const empty = () => redis.empty().then(() => initStore(redis.url, silentLog))
  places.push({ name: 'redis', url: redis.url, empty })
}

/** Two servers on one store, and one upstream that says the next chunk when it is told to. */
async function onTwo(place: Place, run: (one: TestServer, two: TestServer) => Promise<void>): Promise<void> {
  await place.empty()
  const one = await startServer({ ...WIDE, STORE_URL: place.url })
  const two = await startServer({ ...WIDE, STORE_URL: place.url, GEMINI_BASE_URL: one.emulator.url })
  one.emulator.setScenario(GATED)
  try {
    await run(one, two)
    assert.is(one.emulator.ledger().requests, 1, 'the model is called once')
  } finally {
    await two.close()
    await one.close()
  }
}

async function asked(server: TestServer): Promise<Tab> {
  const tab = await Tab.open(server)
  tab.send({ type: 'ask', id: 'q1', text: 'Bonjour' })
  await tab.next('start')
  return tab
}

const restOf = (tab: Tab) => ({ session: tab.session, answer: { id: 'q1', offset: tab.text.length } })

async function resumed(server: TestServer, before: Tab): Promise<Tab> {
  const tab = await Tab.open(server, restOf(before))
  tab.text = before.text
  await tab.next('start')
  return tab
}

for (const place of places) {
  const it = (name: string, run: (one: TestServer, two: TestServer) => Promise<void>) =>
    test(`${place.name}: ${name}`, () => onTwo(place, run))

  it('[RES7] a visitor who is sent to and fro between two servers reads the whole text', async (one, two) => {
    let tab = await asked(one)
    for (let at = 1; at < CHUNKS.length; at++) {
      one.emulator.release(1)
      await tab.read(lengthOf(at))
      await tab.drop()
      tab = await resumed(at % 2 === 0 ? one : two, tab)
    }
    one.emulator.release(1)
    await tab.read(TEXT.length)
    await tab.end(TEXT)
    await tab.drop()
  })

  it('[SES1] [STO2] [FOR1] two tabs on two servers: both read, one stops, one forgets', async (one, two) => {
    const near = await asked(one)
    const far = await resumed(two, near)
    one.emulator.release(2)
    for (const tab of [near, far]) await tab.read(lengthOf(2))
    far.send({ type: 'stop', id: 'q1' })
    for (const tab of [near, far]) assert.is((await tab.next('done')).reason, 'stopped')
    far.send({ type: 'forget' })
    for (const tab of [near, far]) await tab.next('forgotten')
    const sessions = await Promise.all([near, far].map(async (tab) => (await tab.next('welcome')).session))
    assert.is(sessions[0], sessions[1])
    assert.is.not(sessions[0], near.session)
    for (const server of [one, two]) assert.is.not((await Tab.open(server, restOf(near))).session, near.session)
    one.emulator.release(CHUNKS.length)
    for (const tab of [near, far]) await tab.drop()
  })

  it('[SES6] while one drains, its answer goes on for who returns to the other; then the session is there', async (one, two) => {
    const near = await asked(one)
    one.emulator.release(1)
    await near.read(lengthOf(1))
    const drained = one.house.app.drain()
    await near.drop()
    const far = await resumed(two, near)
    one.emulator.release(CHUNKS.length - 1)
    await far.read(TEXT.length)
    await far.end(TEXT)
    assert.is(await far.closed, 1012)
    await drained
    const back = await resumed(two, far)
    await back.end(TEXT)
    two.emulator.setScenario({ name: 'ok' })
    await back.drop()
  })
}

test('what goes from process to process is sealed, and SQLite’s disk doesn’t see it', async () => {
  if (!redis) return
  const heard: string[] = []
  const ear = await redis.listen((text) => heard.push(text))
  await onTwo({ name: 'redis', url: redis.url, empty: async () => undefined }, async (one, two) => {
    const tab = await resumed(two, await asked(one))
    one.emulator.release(CHUNKS.length)
    await tab.read(TEXT.length)
    await tab.end(TEXT)
    await tab.drop()
    assert.ok(heard.length > CHUNKS.length)
    const said = heard.map((text) => Buffer.from(JSON.parse(text)[4], 'base64').toString() + text).join()
    for (const word of ['vent', 'Bonjour', tab.session]) assert.not(said.includes(word), word)
  })
  ear()
})

test('nothing of a session is left beside the file', async () => {
  assert.equal(await readdir(join(folder, 'chat.db-peers')), [])
  const files = (await readdir(folder)).filter((name) => name !== 'chat.db-peers')
  for (const name of files) assert.not((await readFile(join(folder, name))).includes('vent, '), name)
  await rm(folder, { recursive: true })
  await redis?.close()
})

test.run()
