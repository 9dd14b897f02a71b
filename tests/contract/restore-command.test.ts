import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql/promise'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmulator } from '../../emulator/emulator.ts'
import { buildApp, type Ran, runMain } from '../helpers/built-app.ts'
import { Tab } from '../helpers/live-tab.ts'

// The built commands and the built server, each in a process of its own.
const KEY = 'AIzaSyRestore-0123456789_abcdefghijklmno'
const app = await buildApp()
const emulator = await startEmulator({ speed: 0, key: KEY })

type Said = { code: number; out: string; err: string }
type Shop = {
  dir: string
  file: string
  run(command: 'maintenance' | 'budget', ...args: string[]): Promise<Said>
  /** A server on the store; `ask` resolves with the session and how a question ended there. */
  serve(): Promise<Served>
}
type Served = { ran: Ran; ask(session?: string): Promise<{ session: string; source: string; turns: number }> }

async function inShop(work: (shop: Shop) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-restore-'))
  const file = join(dir, 'shop.db')
  const env = {
    STORE_URL: `sqlite:${file}`,
    PERSONA_DIR: join(app.dir, 'persona'),
    PORT: '0',
    GEMINI_API_KEY: KEY,
    GEMINI_BASE_URL: emulator.url,
  }
  const started: Ran[] = []
  const run: Shop['run'] = (command, ...args) =>
    new Promise((resolve) => {
      const program = join(app.dir, `dist/server/${command}.js`)
      const options = { cwd: dir, env: { PATH: process.env.PATH, ...env } }
      execFile(process.execPath, [program, ...args], options, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      )
    })
  const serve = async (): Promise<Served> => {
    const ran = runMain(app.main, dir, env)
    started.push(ran)
    const { url } = await ran.line('listening')
    const ws = `${String(url).replace('http', 'ws')}/ws`
    const ask = async (session?: string) => {
      const tab = await Tab.open({ ws }, session === undefined ? {} : { session })
      const turns = tab.session === session ? 1 : 0
      tab.send({ type: 'ask', id: `q${Math.random()}`.replace('.', ''), text: 'Bonjour' })
      const { source } = await tab.next('start')
      await tab.readAll(0)
      await tab.drop()
      return { session: tab.session, source, turns }
    }
    return { ran, ask }
  }
  try {
    await work({ dir, file, run, serve })
  } finally {
    for (const ran of started) ran.kill('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await rm(dir, { recursive: true, force: true })
  }
}

const stop = async ({ ran }: Served): Promise<void> => {
  ran.kill('SIGTERM')
  await ran.ended
}

/** A store that has answered once, and a copy of it; the server is stopped. */
async function withCopy({ run, serve }: Shop): Promise<{ session: string; copy: string }> {
  const server = await serve()
  const { session } = await server.ask()
  const copy = (await run('maintenance')).out.trim().split('\n').at(-1) ?? ''
  await stop(server)
  return { session, copy }
}

test('a copy is put back: what was there is kept, and no question is admitted until the admin accepts it', () =>
  inShop(async (shop) => {
    const { dir, file, run, serve } = shop
    const { session, copy } = await withCopy(shop)
    const later = await serve()
    const lost = await later.ask()
    await stop(later)

    const { code, out, err } = await run('maintenance', '--restore', copy)
    assert.equal([code, err], [0, ''])
    const aside = /^What was there is kept as (.*shop\.db\.before-\S+Z); remove it/m.exec(out)?.[1] ?? ''
    assert.match(out, `${file} is the copy ${copy}, checked.`)
    assert.match(out, 'then npm run budget -- --resume.')
    for (const path of [file, aside]) assert.is((await stat(path)).mode & 0o777, 0o600)
    assert.match((await run('budget')).out, /^HALTED/m)

    const server = await serve()
    const back = await server.ask(session)
    assert.equal([back.turns, back.source], [0, 'knowledge'], 'visitors begin anew, and nothing is bought')
    assert.is((await server.ask(lost.session)).turns, 0)
    assert.match((await run('budget', '--resume')).out, /^It was halted: the database is an older one/)
    assert.is((await server.ask(session)).source, 'model')
    await stop(server)

    // What was kept is whole: it is put back in the same way.
    assert.is((await run('maintenance', '--restore', aside)).code, 0)
    const again = await serve()
    assert.is((await again.ask(lost.session)).turns, 1)
    await stop(again)
    assert.is((await readdir(dir)).filter((name) => name.includes('restoring')).length, 0)
  }))

test('while a server has the store open nothing is put back, and it serves on', () =>
  inShop(async (shop) => {
    const { dir, run, serve } = shop
    const { session, copy } = await withCopy(shop)
    const server = await serve()
    const before = await readdir(dir)
    const { code, err } = await run('maintenance', '--restore', copy)
    assert.is(code, 78)
    assert.match(
      err,
      /^--restore: .*shop\.db is open: stop the server first \(systemctl stop le-mecano, or pm2 stop le-mecano\)\n$/,
    )
    assert.equal(await readdir(dir), before)
    assert.equal(await server.ask(session), { session, source: 'model', turns: 1 })
    await stop(server)
    assert.not.match((await run('budget')).out, 'HALTED')
  }))

test('what is no copy that serves is refused in a sentence, and the store stays as it is', () =>
  inShop(async (shop) => {
    const { dir, file, run } = shop
    const { copy } = await withCopy(shop)
    const [newer, damaged, other, foreign] = ['newer', 'damaged', 'other', 'foreign'].map((name) => join(dir, name))
    if (!newer || !damaged || !other || !foreign) throw new Error('four names')
    await copyFile(copy, newer)
    await alter(newer, 'PRAGMA user_version=999')
    const bytes = await readFile(copy)
    await writeFile(damaged, bytes.fill(0x55, 4096 * 2, 4096 * 6))
    await writeFile(other, 'no database, but a text that is long enough to be one '.repeat(100))
    await alter(foreign, 'CREATE TABLE t (x)')
    const before = await readFile(file)
    for (const [given, sentence] of [
      [newer, 'was written by a newer version of this program'],
      [damaged, 'is damaged: take an older copy'],
      [other, 'is no copy of a store'],
      [foreign, 'is no copy of a store'],
      [join(dir, 'none'), 'there is no '],
      [dir, 'there is no '],
      [file, 'is the store itself'],
    ]) {
      const { code, err } = await run('maintenance', '--restore', given ?? '')
      assert.is(code, 78, given)
      assert.match(err, /^--restore: /)
      assert.match(err, sentence ?? '')
      assert.is(err.trim().split('\n').length, 1)
    }
    assert.ok(before.equals(await readFile(file)))
    assert.not.match((await run('budget')).out, 'HALTED')
    for (const flags of [['--restore', ''], ['--restore', copy, '--keep', '3'], ['--restore']])
      assert.is((await run('maintenance', ...flags)).code, 64)
  }))

test('on a new machine there is nothing to keep, and it is halted all the same', () =>
  inShop(async (shop) => {
    const { file, run } = shop
    const { copy } = await withCopy(shop)
    for (const part of ['', '.seen']) await rm(`${file}${part}`)
    const { code, out } = await run('maintenance', '--restore', copy)
    assert.is(code, 0)
    assert.match(out, /^\S+shop\.db is the copy /)
    assert.match((await run('budget')).out, /^HALTED/m)
  }))

test('a store that can’t be read any more is kept beside, and the copy takes its place', () =>
  inShop(async (shop) => {
    const { file, run, serve } = shop
    const { copy } = await withCopy(shop)
    await writeFile(file, 'what a broken disk left '.repeat(400))
    assert.match((await run('budget')).err, /^STORE_URL: /)
    const { out } = await run('maintenance', '--restore', copy)
    const aside = /kept as (\S+);/.exec(out)?.[1] ?? ''
    assert.match(await readFile(aside, 'utf8'), /^what a broken disk left/)
    const server = await serve()
    assert.is((await server.ask()).source, 'knowledge')
    await stop(server)
  }))

test('a Redis is not put back by it', () =>
  inShop(async ({ dir }) => {
    const said = await new Promise<string>((resolve) => {
      const env = { PATH: process.env.PATH, STORE_URL: 'redis://127.0.0.1:1' }
      const args = [join(app.dir, 'dist/server/maintenance.js'), '--restore', 'x']
      execFile(process.execPath, args, { cwd: dir, env }, (_, __, err) => resolve(err))
    })
    assert.match(said, /^--restore: is for SQLite; /)
  }))

async function alter(file: string, sql: string): Promise<void> {
  const db = new Database(file, {})
  await db.exec(sql)
  db.close()
}

test('what was started ends', async () => {
  await emulator.close()
  await app.remove()
})

test.run()
