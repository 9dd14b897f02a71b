import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmulator } from '../../emulator/emulator.ts'
import { buildApp } from '../helpers/built-app.ts'
import { rawSocket } from '../helpers/raw-socket.ts'

const KEY = 'AIzaSyCanary-0123456789_abcdefghijklmno'
const PM2 = resolve('node_modules/pm2/bin/pm2')

type Described = {
  name: string
  pm2_env: { status: string; exit_code?: number; axm_monitor: Record<string, { value: unknown }> }
}

/** A PM2 daemon of its own; `pm2(...)` resolves with what the command printed. */
async function withPm2(
  cwd: string,
  run: (pm2: (...args: string[]) => Promise<string>, home: string) => Promise<void>,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'le-mecano-pm2-'))
  // As an admin might have it: the key stands in the shell as well.
  const env = { PATH: process.env.PATH, HOME: home, PM2_HOME: home, PM2_DISCRETE_MODE: 'true', GEMINI_API_KEY: KEY }
  const pm2 = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, [PM2, ...args], { cwd, env })).stdout
  try {
    await run(pm2, home)
  } finally {
    await pm2('kill')
    await rm(home, { recursive: true, force: true })
  }
}

async function describe(pm2: (...args: string[]) => Promise<string>): Promise<Described> {
  const printed = await pm2('jlist')
  const [first]: Described[] = JSON.parse(printed.slice(printed.indexOf('[{')))
  if (!first) throw new Error('PM2 runs nothing')
  return first
}

test('PM2 starts it by ecosystem.config.js, shows its numbers, and stops it without a torn answer', async () => {
  const app = await buildApp()
  const emulator = await startEmulator({ speed: 0, key: KEY })
  const settings = { GEMINI_API_KEY: KEY, GEMINI_BASE_URL: emulator.url, PORT: '0', STORE_URL: 'memory:' }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(app.dir, '.env'), lines.join(''), { mode: 0o600 })
  await withPm2(app.dir, async (pm2, home) => {
    // Resolves once the process has said that it is ready.
    await pm2('start', 'ecosystem.config.js')
    const started = await describe(pm2)
    assert.equal([started.name, started.pm2_env.status], ['le-mecano', 'online'])
    const log = join(home, 'logs/le-mecano-out.log')
    const url = /"url":"([^"]+)"/.exec(await readFile(log, 'utf8'))?.[1] ?? ''

    emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
    const idle = await rawSocket(url)
    const asking = await rawSocket(url)
    asking.say({ type: 'hello' })
    asking.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
    await asking.next(({ payload }) => payload.includes('"type":"start"'))
    let monitor = (await describe(pm2)).pm2_env.axm_monitor
    while (monitor.Connections?.value !== 2 || monitor.Streams?.value !== 1)
      monitor = (await describe(pm2)).pm2_env.axm_monitor
    assert.equal(Object.keys(monitor), ['Connections', 'Streams', 'Budget left', 'Refused/min'])
    assert.match(String(monitor['Budget left']?.value), /^0\.\d\d$|^1\.00$/)

    const stopping = pm2('stop', 'le-mecano')
    assert.is(await idle.closeCode(), 1012)
    emulator.release(2)
    const done = await asking.next(({ payload }) => payload.includes('"type":"done"'))
    assert.match(done?.payload.toString() ?? '', '"complete","length":8')
    assert.is(await asking.closeCode(), 1012)
    await stopping
    const stopped = await describe(pm2)
    assert.equal([stopped.pm2_env.status, stopped.pm2_env.exit_code ?? 0], ['stopped', 0])
    await assertNoKey(pm2, home, log)
  })
  await emulator.close()
  await app.remove()
})

/** Neither what PM2 prints nor what it writes holds the key. */
async function assertNoKey(pm2: (...args: string[]) => Promise<string>, home: string, log: string): Promise<void> {
  await pm2('save')
  const printed = [await pm2('jlist'), await pm2('describe', 'le-mecano'), await pm2('env', '0')]
  const files = (await readdir(home, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const written = await Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')))
  assert.ok(files.some(({ name }) => name === 'dump.pm2'))
  assert.match(await readFile(log, 'utf8'), '"event":"stopped"')
  assert.not.match([...printed, ...written].join('\n'), 'Canary')
}

test.run()
