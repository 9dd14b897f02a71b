import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { maintenanceCommand } from '../../server/maintenance-command.ts'
import { vault } from '../../server/vault.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { rawSocket } from '../helpers/raw-socket.ts'
import { startServer } from '../helpers/server.ts'

const DAY_MS = 86_400_000

async function inShop(work: (shop: Shop) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-maintenance-'))
  const clock = manualClock(Date.UTC(2026, 0, 15, 10))
  const env = { STORE_URL: `sqlite:${join(dir, 'shop.db')}` }
  const before = process.umask(0o077)
  try {
    const maintain = (...args: string[]) => maintenanceCommand({ args, env, envFile: join(dir, 'none.env'), clock })
    await work({ dir, clock, env, maintain })
  } finally {
    process.umask(before)
    await rm(dir, { recursive: true, force: true })
  }
}

type Shop = {
  dir: string
  clock: ReturnType<typeof manualClock>
  env: { STORE_URL: string }
  maintain(...args: string[]): ReturnType<typeof maintenanceCommand>
}

/** Asks one question and reads its answer; resolves with the session's token. */
async function talk(url: string): Promise<string> {
  const socket = await rawSocket(url)
  const heard = async (type: RegExp) =>
    (await socket.next(({ payload }) => type.test(payload.toString())))?.payload.toString() ?? ''
  socket.say({ type: 'hello' })
  const session = /"session":"([^"]+)"/.exec(await heard(/"type":"welcome"/))?.[1] ?? ''
  socket.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
  await heard(/"type":"done"/)
  socket.destroy()
  return session
}

test('a night beside a running server: what expired goes, the log is emptied, and a copy is made that serves', () =>
  inShop(async ({ dir, clock, env, maintain }) => {
    const before = await startServer(env, { clock })
    await talk(before.url)
    await before.close()
    clock.advance(2 * DAY_MS)
    const server = await startServer(env, { clock })
    const kept = await talk(server.url)
    const { code, out } = await maintain()
    assert.is(code, 0)
    const [expired, log, copy = ''] = out.split('\n')
    assert.equal([expired, log], ['1 expired conversations erased.', 'The log is empty.'])
    assert.is((await stat(join(dir, 'shop.db-wal'))).size, 0)
    assert.is((await stat(copy)).mode & 0o777, 0o600)
    await server.close()

    const again = await startServer({ STORE_URL: `sqlite:${copy}` }, { clock })
    const socket = await rawSocket(again.url)
    socket.say({ type: 'hello', session: kept })
    const welcome = await socket.next(({ payload }) => payload.includes('"type":"welcome"'))
    assert.match(welcome?.payload.toString() ?? '', /"resumed":true.*"turns":\[\{"id":"q1"/)
    socket.destroy()
    await again.close()
  }))

test('the newest copies are kept, and nothing else in their folder is touched', () =>
  inShop(async ({ dir, clock, env, maintain }) => {
    await (await startServer(env, { clock })).close()
    const folder = join(dir, 'copies')
    for (let n = 0; n < 3; n++) {
      clock.advance(1000)
      await maintain('--out', folder, '--keep', '2')
      await writeFile(join(folder, 'notes.txt'), '')
    }
    const found = (await readdir(folder)).sort()
    assert.equal(found, ['notes.txt', 'shop-2026-01-15T10-00-02-000Z.db', 'shop-2026-01-15T10-00-03-000Z.db'])
  }))

test('a copy is made when one is due: starts by PM2 push out no older ones', () =>
  inShop(async ({ dir, clock, env, maintain }) => {
    await (await startServer(env, { clock })).close()
    const made = async () => (await readdir(join(dir, 'backups'))).length
    await maintain('--if-due')
    assert.is(await made(), 1)
    clock.advance(DAY_MS / 2)
    assert.match((await maintain('--if-due')).out, /^No copy is due: .*shop-2026-01-15T10-00-00-000Z\.db is fresh\.$/m)
    assert.is(await made(), 1)
    clock.advance(DAY_MS / 2)
    await maintain('--if-due')
    await maintain()
    assert.is(await made(), 2)
    clock.advance(1000)
    await maintain()
    assert.is(await made(), 3)
  }))

test('what a copy keeps of an erased conversation tells no word of it, nor whose it was', () =>
  inShop(async ({ clock, env, maintain }) => {
    const server = await startServer(env, { clock })
    const session = await talk(server.url)
    const early = (await maintain()).out.trim().split('\n').at(-1) ?? ''
    const socket = await rawSocket(server.url)
    socket.say({ type: 'hello', session })
    socket.say({ type: 'forget' })
    await socket.next(({ payload }) => payload.includes('"type":"forgotten"'))
    socket.destroy()
    clock.advance(1000)
    const late = (await maintain()).out.trim().split('\n').at(-1) ?? ''
    await server.close()
    const key = vault.keyOf(session)
    const [before, after] = [await readFile(early, 'latin1'), await readFile(late, 'latin1')]
    assert.ok(before.includes(key))
    assert.not(after.includes(key))
    for (const copy of [before, after])
      for (const word of [session, 'Bonjour', '127.0.0.1']) assert.not(copy.includes(word), word)
  }))

test('what can’t be done is said in a sentence', () =>
  inShop(async ({ dir, clock, env, maintain }) => {
    assert.match((await maintain()).err, /^STORE_URL: there is no .*shop\.db yet/)
    assert.equal([(await maintain('--keep', '0')).code, (await maintain('--no-such')).code], [64, 64])
    await (await startServer(env, { clock })).close()
    await writeFile(join(dir, 'file'), '')
    const { code, err } = await maintain('--out', join(dir, 'file'))
    assert.is(code, 78)
    assert.match(err, /^--out: no copy could be made in .* \(EEXIST\)/)
  }))

test.run()
