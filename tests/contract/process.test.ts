import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Emulator, startEmulator } from '../../emulator/emulator.ts'
import { buildApp, type Ran, runMain } from '../helpers/built-app.ts'
import { type RawSocket, rawSocket } from '../helpers/raw-socket.ts'

const KEY = 'AIzaSyCanary-0123456789_abcdefghijklmno'
const app = buildApp()

type Start = (env?: Record<string, string>) => Ran
/** An emulator before the built server, and a folder to start it in; what still runs in the end is killed. */
async function withApp(run: (start: Start, cwd: string, emulator: Emulator) => Promise<void>): Promise<void> {
  const { dir, main } = await app
  const emulator = await startEmulator({ speed: 0, key: KEY })
  const cwd = await mkdtemp(join(tmpdir(), 'le-mecano-cwd-'))
  const started: Ran[] = []
  const usual = { PORT: '0', STORE_URL: 'memory:', PERSONA_DIR: join(dir, 'persona') }
  const upstream = { GEMINI_API_KEY: KEY, GEMINI_BASE_URL: emulator.url }
  const start: Start = (env = upstream) => {
    const ran = runMain(main, cwd, { ...usual, ...env })
    started.push(ran)
    return ran
  }
  try {
    await run(start, cwd, emulator)
  } finally {
    for (const ran of started) ran.kill('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await emulator.close()
    await rm(cwd, { recursive: true })
  }
}
const urlOf = async (ran: Ran) => String((await ran.line('listening')).url)
const heard = async (socket: RawSocket, type: string) =>
  (await socket.next(({ payload }) => payload.includes(`"type":"${type}"`)))?.payload.toString() ?? ''

test('the built server loads only its own files and modules of Node: a package beside it would cost start and memory', async () => {
  const { main } = await app
  const options = { bundle: true, write: false, metafile: true, platform: 'node', format: 'esm' } as const
  const { metafile } = await build({ ...options, entryPoints: [main], packages: 'external' })
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
  const targets = imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path)
  assert.ok(targets.includes('node:net'), targets.join())
  assert.equal(
    targets.filter((target) => !isBuiltin(target)),
    [],
  )
})

test('without a key it says that it is a demonstration, in the log and on the wire', () =>
  withApp(async (start) => {
    const ran = start({})
    const line = await ran.line('listening')
    assert.is(line.mode, 'mode démonstration')
    const socket = await rawSocket(String(line.url))
    socket.say({ type: 'hello' })
    assert.match(await heard(socket, 'welcome'), '"demo":true')
    socket.destroy()
    ran.kill('SIGTERM')
    assert.is(await ran.ended, 0)
    assert.is(ran.stderr(), '')
  }))

test('.env of the folder it is started in is read, and warned about when others can read it', () =>
  withApp(async (start, cwd, emulator) => {
    await writeFile(
      join(cwd, '.env'),
      `GEMINI_API_KEY=${KEY}\nGEMINI_BASE_URL=${emulator.url}\nMAX_MESSAGE_CHARS=77\n`,
      { mode: 0o644 },
    )
    const ran = start({ GEMINI_API_KEY: '' })
    assert.match(String((await ran.line('settings')).warning), 'chmod 600')
    const line = await ran.line('listening')
    assert.is(line.mode, 'gemini')
    const socket = await rawSocket(String(line.url))
    socket.say({ type: 'hello' })
    assert.match(await heard(socket, 'welcome'), '"maxChars":77')
    socket.destroy()
  }))

test('SIGINT lets an answer finish, sends idle sockets away with 1012 and ends with 0', () =>
  withApp(async (start, _, emulator) => {
    emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
    const ran = start()
    const url = await urlOf(ran)
    const idle = await rawSocket(url)
    idle.say({ type: 'hello' })
    await heard(idle, 'welcome')
    const asking = await rawSocket(url)
    asking.say({ type: 'hello' })
    asking.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
    await heard(asking, 'start')
    ran.kill('SIGINT')
    assert.is(await idle.closeCode(), 1012)
    emulator.release(2)
    assert.match(await heard(asking, 'done'), '"complete","length":8')
    assert.is(await asking.closeCode(), 1012)
    assert.is(await ran.ended, 0)
    assert.match(ran.stdout(), '"event":"stopped"')
  }))

test('an answer that does not finish in time is interrupted; a second signal does not wait at all', () =>
  withApp(async (start, _, emulator) => {
    emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
    const upstream = { GEMINI_API_KEY: KEY, GEMINI_BASE_URL: emulator.url }
    const [short, long] = [start({ ...upstream, DRAIN_MS: '100' }), start({ ...upstream, DRAIN_MS: '600000' })]
    const asking = async (ran: Ran) => {
      const socket = await rawSocket(await urlOf(ran))
      socket.say({ type: 'hello' })
      socket.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
      await heard(socket, 'start')
      return socket
    }
    const [first, second] = await Promise.all([asking(short), asking(long)])
    short.kill('SIGTERM')
    assert.match(await heard(first, 'done'), '"interrupted"')
    assert.is(await first.closeCode(), 1012)
    assert.is(await short.ended, 0)
    long.kill('SIGINT')
    await long.line('draining')
    long.kill('SIGINT')
    assert.is(await long.ended, 1)
    assert.is(await second.closeCode(), undefined)
  }))

test('a bug of ours is logged with its place and without its words, and ends nobody else’s answer', () =>
  withApp(async (start, _, emulator) => {
    emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
    const bugs = `process.on('SIGUSR2', () => { Promise.reject(new RangeError('${KEY}')); throw new TypeError('${KEY}') })`
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(bugs)}`
    const ran = start({ GEMINI_API_KEY: KEY, GEMINI_BASE_URL: emulator.url, NODE_OPTIONS })
    const socket = await rawSocket(await urlOf(ran))
    socket.say({ type: 'hello' })
    socket.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
    await heard(socket, 'start')
    ran.kill('SIGUSR2')
    const thrown = await ran.line('uncaught_exception')
    assert.equal([thrown.level, thrown.name], [50, 'TypeError'])
    assert.match(String(thrown.stack), /^ {4}at .*data:text\/javascript/)
    assert.is((await ran.line('unhandled_rejection')).name, 'RangeError')
    emulator.release(2)
    assert.match(await heard(socket, 'done'), '"complete","length":8')
    assert.not.match(ran.stdout() + ran.stderr(), 'Canary')
    socket.destroy()
  }))

test('SIGHUP reads the persona again; a broken one is logged and the old one stays', () =>
  withApp(async (start, cwd, emulator) => {
    await cp(join((await app).dir, 'persona'), join(cwd, 'persona'), { recursive: true })
    const file = join(cwd, 'persona/persona.json')
    const ran = start({ GEMINI_API_KEY: KEY, GEMINI_BASE_URL: emulator.url, PERSONA_DIR: 'persona' })
    const url = await urlOf(ran)
    const welcome = async () => {
      const socket = await rawSocket(url)
      socket.say({ type: 'hello' })
      const text = await heard(socket, 'welcome')
      socket.destroy()
      return text
    }
    const before = await readFile(file, 'utf8')
    assert.match(await welcome(), 'Bonjour marin')
    await writeFile(file, before.replaceAll('Bonjour marin', 'Bonjour moussaillon'))
    ran.kill('SIGHUP')
    await ran.line('persona_read')
    assert.match(await welcome(), 'Bonjour moussaillon')
    await writeFile(file, '{')
    ran.kill('SIGHUP')
    assert.match(String((await ran.line('persona_refused')).reason), 'persona.json')
    assert.match(await welcome(), 'Bonjour moussaillon')
  }))

test('whoever read the log may leave: it goes on, and ends as it should', () =>
  withApp(async (start) => {
    const ran = start()
    const url = await urlOf(ran)
    ran.hangUp()
    for (let i = 0; i < 20; i++) {
      const socket = await rawSocket(url)
      socket.say({ type: 'hello' })
      assert.match(await heard(socket, 'welcome'), 'Bonjour marin')
      socket.destroy()
    }
    ran.kill('SIGINT')
    assert.is(await ran.ended, 0)
  }))

test('the built copy is removed', async () => (await app).remove())

test.run()
