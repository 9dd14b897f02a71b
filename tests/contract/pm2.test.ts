import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmulator } from '../../emulator/emulator.ts'
import { startAsking } from '../helpers/asking.ts'
import { buildApp } from '../helpers/built-app.ts'
import { openPm2 } from '../helpers/pm2.ts'
import { addressOf, KEY, WIDE, writeSettings } from '../helpers/pm2-app.ts'
import { rawSocket } from '../helpers/raw-socket.ts'
import { requireTmux } from '../helpers/tools.ts'

// One daemon and one app for the whole file: each test goes on from where the one before it left them.
const tmux = await requireTmux()
const app = await buildApp()
const emulator = await startEmulator({ speed: 0, key: KEY })
// As an admin might have it: secrets stand in the shell as well.
const secrets = { GEMINI_API_KEY: KEY, METRICS_TOKEN: `${KEY}-metrics`, REDIS_PASSWORD: `${KEY}-redis` }
const pm2 = await openPm2(app.dir, secrets)
await writeSettings(app, {
  ...WIDE,
  GEMINI_API_KEY: KEY,
  GEMINI_BASE_URL: emulator.url,
  PORT: '0',
  STORE_URL: 'sqlite:data/books.db',
})

const server = async () => {
  const found = (await pm2.list()).find(({ name }) => name === 'le-mecano')
  if (!found) throw new Error('PM2 does not run it')
  return found
}
const trigger = async (action: string): Promise<Record<string, unknown>> =>
  JSON.parse(/=(\{.*\})$/m.exec(await pm2.run(['trigger', 'le-mecano', action]))?.[1] ?? '{}')

test('PM2 starts it by ecosystem.config.js, and the maintenance beside it, which ends', async () => {
  // Resolves once the process has said that it is ready.
  await pm2.run(['start', 'ecosystem.config.js'])
  assert.is((await server()).pm2_env.status, 'online')
  await pm2.until((list) => list.some((it) => it.name === 'le-mecano-maintenance' && it.pm2_env.status === 'stopped'))
})

test('pm2 describe and pm2 trigger tell an admin how it does', async () => {
  emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
  const url = await addressOf(pm2, 1)
  const idle = await rawSocket(url)
  const asking = await rawSocket(url)
  asking.say({ type: 'hello' })
  asking.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
  await asking.next(({ payload }) => payload.includes('"type":"start"'))
  const [shown] = await pm2.until(([it]) => {
    const { Connections, Streams } = it?.pm2_env.axm_monitor ?? {}
    return Connections?.value === '2' && Streams?.value === 1
  })
  const names = Object.keys(shown?.pm2_env.axm_monitor ?? {})
  assert.equal(names.slice(0, 4), ['Connections', 'Streams', 'Budget left', 'Refused/min'])
  const described = await pm2.run(['describe', 'le-mecano'])
  for (const name of names) assert.match(described, `│ ${name}`)
  assert.match(
    described,
    /│ State +│ serving .*│ Load +│ 2 of 5000 connections, 1 of 200 streams .*│ Store +│ sqlite .*│ Model +│ gemini-3\.5-flash-lite/s,
  )

  const { connections, streams, state } = await trigger('connections')
  assert.equal({ connections, streams, state }, { connections: 2, streams: 1, state: 'serving' })
  const budget = await trigger('budget')
  assert.equal([budget.cap, budget.openHolds, budget.halted], [1000, 1, false])
  assert.ok(Number(budget.left) > 999.9 && Number(budget.left) < 1000, String(budget.left))
  emulator.release(2)
  await asking.next(({ payload }) => payload.includes('"type":"done"'))
  for (const socket of [idle, asking]) socket.destroy()
})

if (tmux)
  test('pm2 monit shows its four numbers in a terminal of 80 by 24', async () => {
    const socket = join(pm2.home, 'tmux')
    const run = async (...args: string[]) => (await promisify(execFile)(tmux, ['-S', socket, ...args])).stdout
    const command = `PM2_HOME=${pm2.home} ${process.execPath} ${resolve('node_modules/pm2/bin/pm2')} monit`
    await run('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', command)
    try {
      const shown = /Connections +\d.*\n.*Streams +0.*\n.*Budget left +999 .*\n.*Refused\/min +0/
      let screen = ''
      for (let tries = 0; tries < 3000 && !shown.test(screen); tries++) screen = await run('capture-pane', '-p')
      assert.match(screen, shown)
    } finally {
      await run('kill-server')
    }
  })

test('two reloads under ten clients lose no answer and refuse no connection', async () => {
  emulator.setScenario(null)
  const url = await addressOf(pm2, 1)
  const crowd = startAsking(url, 10)
  await crowd.more(10)
  for (let i = 0; i < 2; i++) {
    await pm2.run(['reload', 'le-mecano'])
    await crowd.more(10)
  }
  await crowd.leave()
  const { answers, lost, refused, reconnects, texts } = crowd.tally
  // The demonstration answers the same question with the same words, each time.
  assert.equal({ lost, refused, texts: texts.size }, { lost: 0, refused: 0, texts: 1 })
  assert.ok(answers >= 30 && reconnects >= 10, JSON.stringify(crowd.tally))
})

test('after kill -9 it is back', async () => {
  const before = await server()
  process.kill(before.pid, 'SIGKILL')
  const back = await addressOf(pm2, 4)
  const [after] = await pm2.until(([it]) => it?.pm2_env.status === 'online' && it.pid !== before.pid)
  assert.is(after?.pm2_env.restart_time, before.pm2_env.restart_time + 1)
  const socket = await rawSocket(back)
  assert.is(socket.answer.status, 101)
  socket.destroy()
})

test('pm2 trigger drain takes it out of service without a torn answer, and a reload brings it back', async () => {
  emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
  const url = await addressOf(pm2, 4)
  const [idle, asking] = [await rawSocket(url), await rawSocket(url)]
  asking.say({ type: 'hello' })
  asking.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
  await asking.next(({ payload }) => payload.includes('"type":"start"'))
  const said = await trigger('drain')
  assert.equal([said.state, said.streams, said.deadlineMs], ['draining', 1, 25_000])
  assert.is(await idle.closeCode(), 1012)
  assert.is((await rawSocket(url)).answer.status, 0)
  emulator.release(2)
  const done = await asking.next(({ payload }) => payload.includes('"type":"done"'))
  assert.match(done?.payload.toString() ?? '', '"complete","length":8')
  assert.is(await asking.closeCode(), 1012)
  await pm2.until(([it]) => it?.pm2_env.axm_monitor.State?.value === 'drained')
  assert.is((await server()).pm2_env.status, 'online')

  await pm2.run(['reload', 'le-mecano'])
  const again = await rawSocket(await addressOf(pm2, 5))
  assert.is(again.answer.status, 101)
  again.destroy()
})

test('pm2 stop lets an answer finish', async () => {
  emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
  const url = await addressOf(pm2, 5)
  const [idle, asking] = [await rawSocket(url), await rawSocket(url)]
  asking.say({ type: 'hello' })
  asking.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
  await asking.next(({ payload }) => payload.includes('"type":"start"'))
  const stopping = pm2.run(['stop', 'le-mecano'])
  assert.is(await idle.closeCode(), 1012)
  emulator.release(2)
  const done = await asking.next(({ payload }) => payload.includes('"type":"done"'))
  assert.match(done?.payload.toString() ?? '', '"complete","length":8')
  assert.is(await asking.closeCode(), 1012)
  await stopping
  const { status, exit_code = 0 } = (await server()).pm2_env
  assert.equal([status, exit_code], ['stopped', 0])
})

test('neither what PM2 prints nor what it writes holds a secret, also after it read the shell again', async () => {
  await pm2.run(['startOrReload', 'ecosystem.config.js', '--only', 'le-mecano', '--update-env'])
  await pm2.run(['save'])
  const printed = await Promise.all(
    [['jlist'], ['prettylist'], ['describe', 'le-mecano'], ['env', '0']].map((args) => pm2.run(args)),
  )
  const files = (await readdir(pm2.home, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const written = await Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')))
  assert.ok(files.some(({ name }) => name === 'dump.pm2'))
  assert.match(await pm2.log('le-mecano'), '"event":"stopped"')
  assert.not.match([...printed, ...written].join('\n'), 'Canary')
})

test('the daemon ends, with all that it started', async () => {
  const pids = (await pm2.list()).map(({ pid }) => pid).filter((pid) => pid > 0)
  await pm2.close()
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/)
  await emulator.close()
  await app.remove()
})

test.run()
