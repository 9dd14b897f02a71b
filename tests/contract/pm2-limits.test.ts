import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmulator } from '../../emulator/emulator.ts'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { startAsking } from '../helpers/asking.ts'
import { buildApp } from '../helpers/built-app.ts'
import { openPm2 } from '../helpers/pm2.ts'
import { addressOf, KEY, WIDE, writeSettings } from '../helpers/pm2-app.ts'
import { type RawSocket, rawSocket } from '../helpers/raw-socket.ts'
import { startRedis } from '../helpers/redis.ts'

// One daemon for the whole file; it looks at memory each second instead of each half minute.
const app = await buildApp()
const emulator = await startEmulator({ speed: 0, key: KEY })
const pm2 = await openPm2(app.dir, { PM2_WORKER_INTERVAL: '1000' })
const settings = { ...WIDE, GEMINI_API_KEY: KEY, GEMINI_BASE_URL: emulator.url, PORT: '0' }
const start = (shell: Record<string, string>) => pm2.run(['start', 'ecosystem.config.js', '--only', 'le-mecano'], shell)
const heard = async (socket: RawSocket, types: string) =>
  (
    await socket.next(({ payload }) => new RegExp(`^{"type":"(${types})"`).test(payload.toString()))
  )?.payload.toString() ?? ''

test('a process with bad settings is stopped, not started again: memory: beside another one', async () => {
  await writeSettings(app, { ...settings, STORE_URL: 'memory:' })
  await start({})
  // PM2 would wait 15 s for the new one to be ready.
  const waiting = new AbortController()
  const scaling = pm2.run(['scale', 'le-mecano', '2'], {}, waiting.signal).catch(() => '')
  const seen = await pm2.until((list) => list[1]?.pm2_env.status === 'stopped')
  waiting.abort()
  await scaling
  assert.equal([seen[1]?.pm2_env.exit_code, seen[1]?.pm2_env.restart_time], [78, 0])
  assert.match(await pm2.log('le-mecano', 'error'), 'STORE_URL: memory: is of one process alone')
  const first = await rawSocket(await addressOf(pm2, 1))
  assert.is(first.answer.status, 101)
  first.destroy()
  await pm2.run(['delete', 'le-mecano'])
})

const redis = await startRedis()
let starts = 1
const addressOfTwo = () => {
  starts += 2
  return addressOf(pm2, starts)
}
/** The process that answered each question, by PM2's log. */
const answerers = async () =>
  [...(await pm2.log('le-mecano')).matchAll(/"pid":(\d+),.*"event":"question"/g)].map(([, pid = '']) => pid)
for (const store of redis ? ['SQLite', 'Redis'] : ['SQLite'])
  test(`two processes share sessions and limits through ${store}`, async () => {
    if (store === 'Redis' && redis) await initStore(redis.url, silentLog)
    await writeSettings(app, {
      ...settings,
      STORE_URL: store === 'Redis' && redis ? redis.url : 'sqlite:data/books.db',
      IP_ASK_BURST: '6',
      IP_ASKS_PER_MINUTE: '0.01',
    })
    await start({ PM2_INSTANCES: '2' })
    const url = await addressOfTwo()
    const answeredBefore = (await answerers()).length
    const asked: string[] = []
    let session: string | undefined
    for (let i = 0; i < 7; i++) {
      const socket = await rawSocket(url)
      socket.say({ type: 'hello', ...(session && { session }) })
      const welcome = await heard(socket, 'welcome')
      session = /"session":"([^"]+)"/.exec(welcome)?.[1]
      assert.is(welcome.match(/"state":"complete"/g)?.length ?? 0, i)
      socket.say({ type: 'ask', id: `q${i}`, text: 'Bonjour ?' })
      const answer = await heard(socket, 'done|error')
      asked.push(answer.includes('"complete"') ? 'complete' : (/"code":"(\w+)"/.exec(answer)?.[1] ?? answer))
      socket.destroy()
    }
    assert.equal(asked, [...Array(6).fill('complete'), 'rate_limited'])
    // PM2 writes them down a moment later.
    let answeredBy: string[] = []
    for (let tries = 0; tries < 3000 && answeredBy.length < 6; tries++)
      answeredBy = (await answerers()).slice(answeredBefore)
    assert.is(new Set(answeredBy).size, 2, answeredBy.join())
    await pm2.run(['delete', 'le-mecano'])
  })

if (redis)
  test('two processes on Redis, reloaded under ten clients: no answer is lost, and each is whole', async () => {
    await writeSettings(app, { ...settings, STORE_URL: redis.url })
    await start({ PM2_INSTANCES: '2' })
    const crowd = startAsking(await addressOfTwo(), 10)
    await crowd.more(10)
    await pm2.run(['reload', 'le-mecano'])
    await crowd.more(10)
    await crowd.leave()
    const { lost, refused, texts } = crowd.tally
    assert.equal([lost, refused, texts.size], [0, 0, 1])
    await pm2.run(['delete', 'le-mecano'])
  })

test('a process that grows beyond its bound is replaced', async () => {
  await writeSettings(app, { ...settings, STORE_URL: 'sqlite:data/books.db' })
  await start({ PM2_MAX_MEMORY: '20M' })
  await pm2.until(([it]) => (it?.pm2_env.restart_time ?? 0) > 0 && it?.pm2_env.status === 'online')
  await pm2.run(['delete', 'le-mecano'])
})

test('the daemon ends, with all that it started', async () => {
  await pm2.close()
  await redis?.close()
  await emulator.close()
  await app.remove()
})

test.run()
