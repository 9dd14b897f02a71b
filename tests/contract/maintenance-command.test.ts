import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { budgetCommand } from '../../server/budget-command.ts'
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

/** Whether a server on the store knows the session, and how many turns it shows of it. */
async function knows(url: string, session: string): Promise<{ resumed: boolean; turns: unknown[] }> {
  const socket = await rawSocket(url)
  socket.say({ type: 'hello', session })
  const welcome = await socket.next(({ payload }) => payload.includes('"type":"welcome"'))
  socket.destroy()
  return JSON.parse(welcome?.payload.toString() ?? '{}')
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
    assert.is((await knows(server.url, kept)).turns.length, 1)
    const budget = (url: string) =>
      budgetCommand({ args: ['--json'], env: { STORE_URL: url }, envFile: join(dir, 'none.env'), clock })
    const { report } = JSON.parse((await budget(env.STORE_URL)).out)
    await server.close()

    const copied = `sqlite:${copy}`
    const books = JSON.parse((await budget(copied)).out)
    assert.equal([books.report.spent, books.report.addresses], [report.spent, report.addresses])
    assert.ok(books.report.spent.requests > 0)
    const again = await startServer({ STORE_URL: copied }, { clock })
    const { resumed, turns } = await knows(again.url, kept)
    assert.equal([resumed, turns], [false, []])
    await talk(again.url)
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

test('a copy has no conversation in it, not even sealed: nothing of it outlives the time that visitors were promised', () =>
  inShop(async ({ env, clock, maintain }) => {
    const questions = { ADMIN_TOKEN: 'admin-token-for-tests', REPORT_QUESTIONS: 'on', KNOWLEDGE_FALLBACK: 'off' }
    const server = await startServer({ ...env, ...questions }, { clock })
    const session = await talk(server.url)
    const copy = (await maintain()).out.trim().split('\n').at(-1) ?? ''
    await server.close()
    const sealed = (file: string) => rowsOf(file, 'SELECT blob FROM turns UNION ALL SELECT blob FROM questions')
    const rows = sealed(env.STORE_URL.replace('sqlite:', ''))
    assert.ok(rows.length > 0, 'nothing was stored')
    assert.equal(sealed(copy), [])
    const bytes = await readFile(copy)
    for (const word of [session, vault.keyOf(session), 'Bonjour', '127.0.0.1']) assert.not(bytes.includes(word), word)
    for (const blob of rows) assert.not(bytes.includes(blob.subarray(0, 16)))
  }))

test('what a restore put aside loses its conversations when they expire, and what can’t be read is told', () =>
  inShop(async ({ dir, env, clock, maintain }) => {
    const server = await startServer(env, { clock })
    const session = await talk(server.url)
    await server.close()
    await maintain()
    const file = join(dir, 'shop.db')
    const aside = `${file}.before-2026-01-15T10-00-00-000Z`
    await copyFile(file, aside)
    const key = vault.keyOf(session)
    await maintain()
    assert.ok((await readFile(aside)).includes(key), 'its time is not over yet')
    clock.advance(2 * DAY_MS)
    await maintain()
    assert.not((await readFile(aside)).includes(key))
    await writeFile(
      `${env.STORE_URL.replace('sqlite:', '')}.before-2026-01-01T00-00-00-000Z`,
      'no database at all, but long enough to be one',
    )
    assert.match(
      (await maintain()).out,
      /^.*before-2026-01-01T00-00-00-000Z can’t be read, and may hold conversations/m,
    )
  }))

function rowsOf(file: string, sql: string): Buffer[] {
  const db = new Database(file, { readonly: true })
  try {
    return db
      .prepare(sql)
      .raw(true)
      .all()
      .flatMap((row: unknown) => (Array.isArray(row) ? row.map((blob) => Buffer.from(blob)) : []))
  } finally {
    db.close()
  }
}

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
