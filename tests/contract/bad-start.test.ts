import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildApp, type Ran, runMain } from '../helpers/built-app.ts'
import { startRedis } from '../helpers/redis.ts'
import { onSmallDisk, requireSmallDisk } from '../helpers/small-disk.ts'
import { requireTool } from '../helpers/tools.ts'

const KEY = 'AIzaSyCanary-0123456789_abcdefghijklmno'
const app = buildApp()

type Start = (env: Record<string, string>, through?: readonly string[]) => Ran
/** A folder to start the built server in; what still runs in the end is killed. */
async function inFolder(run: (start: Start, cwd: string) => Promise<void>): Promise<void> {
  const { dir, main } = await app
  const cwd = await mkdtemp(join(tmpdir(), 'le-mecano-cwd-'))
  const started: Ran[] = []
  const usual = { PORT: '0', STORE_URL: 'memory:', PERSONA_DIR: join(dir, 'persona') }
  try {
    await run((env, through) => {
      const ran = runMain(main, cwd, { ...usual, ...env }, through)
      started.push(ran)
      return ran
    }, cwd)
  } finally {
    for (const ran of started) ran.kill('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await rm(cwd, { recursive: true })
  }
}

const urlOf = async (ran: Ran) => String((await ran.line('listening')).url)

/** What it said as it refused to start: sentences, and never a secret. 78: not to be tried again; 75: to be. */
async function refusal(ran: Ran, code = 78): Promise<string> {
  assert.is(await ran.ended, code, ran.stderr())
  assert.match(ran.stderr(), /^Le Mécano can't start:\n( {2}- [A-Z.a-z].*\n)+$/)
  assert.not.match(ran.stderr() + ran.stdout(), 'Canary')
  return ran.stderr()
}

/** Root reads and writes everything, unless it may not. */
const setpriv =
  process.getuid?.() === 0
    ? await requireTool({ name: 'setpriv', binaries: ['setpriv'], debianPackage: 'util-linux' })
    : undefined
const plainly = setpriv ? [setpriv, '--bounding-set=-dac_override,-dac_read_search'] : []

test('wrong settings and a wrong persona end the start with code 78 and the whole list', () =>
  inFolder(async (start, cwd) => {
    await writeFile(join(cwd, 'persona.json'), '{ "name": 1 }')
    await writeFile(join(cwd, 'instructions.md'), 'Réponds en marin.')
    const [settings, persona] = await Promise.all([
      refusal(
        start({ PORT: 'x', GEMINI_MODEL: 'gemini-9', GEMINI_API_KEY: KEY, LOG_LEVEL: KEY, TRUSTED_PROXIES: 'x' }),
      ),
      refusal(start({ PERSONA_DIR: cwd })),
    ])
    for (const name of ['PORT', 'GEMINI_MODEL', 'STORE_URL', 'LOG_LEVEL', 'TRUSTED_PROXIES'])
      assert.match(settings, `  - ${name}: `)
    assert.ok((persona.match(/ {2}- persona\.json/g)?.length ?? 0) > 1, persona)
  }))

test('a key file that is missing, a folder or not to be read: what to do about it', () =>
  inFolder(async (start, cwd) => {
    const key = join(cwd, 'key')
    await writeFile(key, KEY, { mode: 0 })
    const store = { STORE_URL: 'sqlite:data/x.db' }
    const [missing, folder, unreadable] = await Promise.all([
      refusal(start({ ...store, GEMINI_API_KEY_FILE: 'nowhere' })),
      refusal(start({ ...store, GEMINI_API_KEY_FILE: '.' })),
      refusal(start({ ...store, GEMINI_API_KEY_FILE: key }, plainly)),
    ])
    assert.match(missing, '  - GEMINI_API_KEY_FILE: there is no such file; put the key into it, or name another\n')
    assert.match(folder, '  - GEMINI_API_KEY_FILE: is a folder; name a file\n')
    assert.match(unreadable, '  - GEMINI_API_KEY_FILE: this user may not read it; make the file its own (chown)')
  }))

test('a taken port: stop the other program or choose another', () =>
  inFolder(async (start) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' && address ? `${address.port}` : ''
    const said = await refusal(start({ PORT: port }))
    taken.close()
    assert.match(said, '  - PORT: another program listens there already; stop it or choose another PORT\n')
  }))

test('a socket left behind by kill -9 is taken over; one in use, and a file, are not', () =>
  inFolder(async (start, cwd) => {
    const env = { PORT: '', SOCKET_PATH: join(cwd, 'x.sock') }
    const first = start(env)
    assert.is(await urlOf(first), `unix:${join(cwd, 'x.sock')}`)
    await writeFile(join(cwd, 'precious'), 'words')
    const [used, file, nowhere] = await Promise.all([
      refusal(start(env)),
      refusal(start({ PORT: '', SOCKET_PATH: join(cwd, 'precious') })),
      refusal(start({ PORT: '', SOCKET_PATH: join(cwd, 'nowhere/x.sock') })),
    ])
    assert.match(used, '  - SOCKET_PATH: another program listens there already')
    assert.match(file, 'or it is no socket; stop it or choose another path\n')
    assert.is(await readFile(join(cwd, 'precious'), 'utf8'), 'words')
    assert.match(nowhere, '  - SOCKET_PATH: the folder does not exist or this user may not write there; make one')
    first.kill('SIGKILL')
    assert.is(await first.ended, 'SIGKILL')
    const third = start(env)
    assert.is(await urlOf(third), `unix:${join(cwd, 'x.sock')}`)
    third.kill('SIGINT')
    assert.is(await third.ended, 0)
  }))

test('a database of a newer version, a damaged one, and a place for none: what to do about it', () =>
  inFolder(async (start, cwd) => {
    const newer = new Database(join(cwd, 'newer.db'))
    newer.exec('PRAGMA user_version=99')
    newer.close()
    await writeFile(join(cwd, 'damaged.db'), 'not a page of SQLite, '.repeat(400))
    await mkdir(join(cwd, 'theirs'), { mode: 0o500 })
    const on = (path: string) => refusal(start({ STORE_URL: `sqlite:${path}` }, plainly))
    const [old, damaged, folder, theirs] = await Promise.all(['newer.db', 'damaged.db', '.', 'theirs/x.db'].map(on))
    assert.match(old ?? '', /STORE_URL: .*newer version .*: update the program, or put a copy from before back \(docs/)
    assert.match(damaged ?? '', /STORE_URL: .*damaged\.db can't be opened .*: .*put a copy back \(docs\/recover\.md\)/)
    assert.match(folder ?? '', /STORE_URL: .*: a folder is there .*: name another path/)
    assert.match(theirs ?? '', /STORE_URL: .*: this user may not write there: give it the folder/)
  }))

if (await requireSmallDisk()) {
  test('a full disk: make room; the start is to be tried again', () =>
    inFolder(async (start, cwd) => {
      const disk = join(cwd, 'disk')
      await mkdir(disk)
      const env = { STORE_URL: `sqlite:${disk}/data/x.db` }
      const full = [0, 24_576, 49_152].map((left) => refusal(start(env, onSmallDisk(disk, 262_144, { left })), 75))
      for (const said of await Promise.all(full))
        assert.match(said, /^ {2}- STORE_URL: the disk that holds .*\/disk\/data\/x\.db is full: make room there/m)
    }))

  test('a disk that may only be read: give it another place', () =>
    inFolder(async (start, cwd) => {
      const disk = join(cwd, 'disk')
      await mkdir(disk)
      const said = await refusal(
        start({ STORE_URL: `sqlite:${disk}/x.db` }, onSmallDisk(disk, 262_144, { readOnly: true })),
      )
      assert.match(said, /STORE_URL: the store .*x\.db can't be opened \(.*\): .*name another path/)
    }))
}

const redis = await startRedis('--appendonly', 'no')
if (redis)
  test('a Redis without its append-only file is refused; one that is away is waited for', () =>
    inFolder(async (start) => {
      const forgetful = await refusal(start({ STORE_URL: redis.url }))
      assert.match(forgetful, '  - STORE_URL: Redis would forget what was spent: set appendonly yes in redis.conf\n')
      await redis.kill()
      const away = await refusal(start({ STORE_URL: redis.url }), 75)
      assert.match(away, /^ {2}- STORE_URL: Redis at \S+ can't be reached \(.*\): start it, or correct the address$/m)
    }))

test('Redis ends, and the built copy is removed', async () => {
  await redis?.close()
  await (await app).remove()
})

test.run()
