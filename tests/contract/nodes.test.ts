import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import Database from 'libsql/promise'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Emulator, startEmulator } from '../../emulator/emulator.ts'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { buildApp, type Ran, runMain } from '../helpers/built-app.ts'
import { Tab } from '../helpers/live-tab.ts'
import { startRedis } from '../helpers/redis.ts'

// The built server in processes of its own, two on one store; the emulator's ledger is the only truth about the calls.
const KEY = 'AIzaSyNodes-0123456789_abcdefghijklmnop'
const CHUNKS = ['Bon vent, ', 'marin 🚲', ' ! Nos ', 'vélos.']
const TEXT = CHUNKS.join('')

type Node = { ws: string; ran: Ran }
type Scene = {
  start(): Promise<Node>
  emulator: Emulator
  /** How much is stored of the only turn. */
  storedBytes(): Promise<number>
}

const app = buildApp()
const redis = await startRedis()
const stores = ['sqlite', ...(redis ? ['redis'] : [])]

async function onStore(kind: string, run: (scene: Scene) => Promise<void>): Promise<void> {
  const { dir, main } = await app
  const emulator = await startEmulator({ speed: 0, key: KEY })
  const cwd = await mkdtemp(join(tmpdir(), 'le-mecano-nodes-'))
  await redis?.empty()
  if (redis) await initStore(redis.url, silentLog)
  const started: Ran[] = []
  const file = join(cwd, 'books.db')
  const env = {
    PORT: '0',
    PERSONA_DIR: join(dir, 'persona'),
    GEMINI_API_KEY: KEY,
    GEMINI_BASE_URL: emulator.url,
    STORE_URL: kind === 'redis' && redis ? redis.url : `sqlite:${file}`,
  }
  const start = async (): Promise<Node> => {
    const ran = runMain(main, cwd, env)
    started.push(ran)
    const { url } = await ran.line('listening')
    return { ws: `${String(url).replace('http', 'ws')}/ws`, ran }
  }
  try {
    emulator.setScenario({ name: 'ok', gated: true, chunks: CHUNKS })
    await run({ start, emulator, storedBytes: () => (kind === 'redis' ? bytesInRedis() : bytesInFile(file)) })
  } finally {
    for (const ran of started) ran.kill('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await emulator.close()
    await rm(cwd, { recursive: true, force: true })
  }
}

async function bytesInFile(file: string): Promise<number> {
  const db = new Database(file, { readonly: true })
  const row: unknown = (await db.prepare('SELECT sum(length(blob)) AS bytes FROM turns')).get([])
  db.close()
  return typeof row === 'object' && row !== null ? Number(Reflect.get(row, 'bytes')) : 0
}

async function bytesInRedis(): Promise<number> {
  const keys = await redis?.command('KEYS', '*:chat:*')
  return Array.isArray(keys) ? Number(await redis?.command('HSTRLEN', String(keys[0]), '0')) : 0
}

async function asking(node: Node): Promise<Tab> {
  const tab = await Tab.open(node)
  tab.send({ type: 'ask', id: 'q1', text: 'Bonjour' })
  await tab.next('start')
  return tab
}

for (const kind of stores) {
  const it = (name: string, run: (scene: Scene) => Promise<void>) => test(`${kind}: ${name}`, () => onStore(kind, run))

  it('a visitor drops from one process mid-answer and reads the rest from another, by one call', async (scene) => {
    const [one, two] = [await scene.start(), await scene.start()]
    const before = await asking(one)
    scene.emulator.release(2)
    await before.read(CHUNKS.slice(0, 2).join('').length)
    await before.drop()
    const after = await Tab.open(two, { session: before.session, answer: { id: 'q1', offset: before.text.length } })
    after.text = before.text
    await after.next('start')
    scene.emulator.release(2)
    await after.read(TEXT.length)
    await after.end(TEXT)
    assert.is(scene.emulator.ledger().requests, 1)
    await after.drop()
  })

  it('a process killed mid-answer: another tells its visitor so, and answers the next question', async (scene) => {
    const [one, two] = [await scene.start(), await scene.start()]
    const before = await asking(one)
    const empty = await scene.storedBytes()
    scene.emulator.release(1)
    await before.read(CHUNKS[0]?.length ?? 0)
    // The first words are stored at once: no further ones come that could bring them along.
    while ((await scene.storedBytes()) <= empty) await setImmediate()
    one.ran.kill('SIGKILL')
    await Promise.all([one.ran.ended, before.closed])
    const after = await Tab.open(two, { session: before.session, answer: { id: 'q1', offset: 0 } })
    const { question } = await after.next('start')
    assert.is(question, 'Bonjour')
    assert.is(await after.readAll(), 'interrupted')
    assert.is(after.text, CHUNKS[0])
    scene.emulator.release(CHUNKS.length)
    after.send({ type: 'ask', id: 'q2', text: 'Encore ?' })
    await after.next('start')
    await after.read(TEXT.length, 0)
    await after.end(TEXT)
    assert.is(scene.emulator.ledger().requests, 2)
    await after.drop()
  })

  it('stop and forget from another process reach the one that answers', async (scene) => {
    const [one, two] = [await scene.start(), await scene.start()]
    const here = await asking(one)
    const there = await Tab.open(two, { session: here.session })
    await there.next('start')
    there.send({ type: 'stop', id: 'q1' })
    for (const tab of [here, there]) assert.is((await tab.next('done')).reason, 'stopped')
    there.send({ type: 'forget' })
    for (const tab of [here, there]) {
      await tab.next('forgotten')
      assert.not.equal((await tab.next('welcome')).session, here.session)
    }
    const late = await Tab.open(one, { session: here.session })
    assert.not.equal(late.session, here.session)
    for (const tab of [here, there, late]) await tab.drop()
  })
}

test('what was started ends', async () => {
  await redis?.close()
  await (await app).remove()
})

test.run()
