import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { startRedis } from '../../bench/wallet-redis.ts'
import { budgetCommand } from '../../server/budget-command.ts'
import { silentLog } from '../../server/log.ts'
import { reportCommand } from '../../server/report-command.ts'
import { openStore } from '../../server/stores/open.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { startServer } from '../helpers/server.ts'
import { requireRedis } from '../helpers/tools.ts'

const clock = manualClock()

type Run = (...args: string[]) => ReturnType<typeof budgetCommand>

/** A store of its own, and the command on it. */
async function withStore(work: (run: Run, url: string, dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-budget-'))
  const url = `sqlite:${join(dir, 'shop.db')}`
  const run: Run = (...args) => budgetCommand({ args, env: { STORE_URL: url }, envFile: join(dir, 'none.env'), clock })
  try {
    await work(run, url, dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const fresh = async (url: string) => (await openStore(url, { clock, log: silentLog })).close()

test('a store that is not there yet is said, and not made', async () => {
  await withStore(async (run, url) => {
    const { code, err } = await run()
    assert.is(code, 78)
    assert.match(err, /there is no .*shop\.db yet/)
    await fresh(url)
    assert.is((await run()).code, 0)
  })
})

test('a halt is explained and lifted, once', async () => {
  await withStore(async (run, url) => {
    const store = await openStore(url, { clock, log: silentLog })
    await store.ledger.halt('overrun')
    assert.match((await run()).out, /^HALTED since /m)
    const { out } = await run('--resume')
    assert.match(out, /^It was halted: an answer was billed more/)
    assert.not(/^HALTED/m.test(out))
    assert.match((await run('--resume')).out, /^Nothing was halted/)
    await store.close()
  })
})

test('a raise counts for today, and no further than the month', async () => {
  await withStore(async (run, url) => {
    await fresh(url)
    assert.match((await run('--raise', '0.50')).out, /^Today's cap rises from 1\.00 to 1\.50\.\n/)
    assert.match((await run()).out, /of 1\.50 USD spent/)
    assert.match((await run('--raise', '100')).out, /to 20\.00\. The month's budget leaves no more\.\n/)
    assert.match((await run()).out, /raised by 100\.00$/m)
  })
})

test('the picture is written, and a place that takes none is said', async () => {
  await withStore(async (run, url, dir) => {
    await fresh(url)
    const file = join(dir, 'day.svg')
    assert.is((await run('--svg', file)).code, 0)
    assert.ok((await readFile(file, 'utf8')).startsWith('<svg'))
    const { code, err } = await run('--svg', join(dir, 'nowhere/day.svg'))
    assert.is(code, 78)
    assert.match(err, /can't be written \(ENOENT\)/)
  })
})

test('JSON holds all of it', async () => {
  await withStore(async (run, url) => {
    await fresh(url)
    const { out } = await run('--json', '--raise=1')
    const read = JSON.parse(out)
    assert.is(read.capNano, 2_000_000_000)
    assert.is(read.report.events.length, 1)
    assert.is(read.done.length, 1)
  })
})

test('what can not be looked at is said in a sentence', async () => {
  const memory = await budgetCommand({ args: [], env: { STORE_URL: 'memory:' }, envFile: '/dev/null', clock })
  assert.match(memory.err, /lives in the server/)
  await withStore(async (run, _, dir) => {
    await writeFile(join(dir, 'shop.db'), 'no database at all, but long enough to be read as one'.repeat(100))
    assert.match((await run()).err, /^STORE_URL: the store .* can't be opened/)
  })
  const { code, err } = await budgetCommand({ args: [], env: { PORT: 'x', HOST: '!' }, envFile: '/dev/null', clock })
  assert.is(code, 78)
  assert.match(err, /^HOST: .*$/m)
  assert.match(err, /^PORT: .*$/m)
})

test('it works while the server runs on the same store', async () => {
  await withStore(async (run, url) => {
    const server = await startServer({ STORE_URL: url }, { clock })
    server.emulator.setScenario({ name: 'ok', text: 'Oui.' })
    await askOnce(server.ws)
    assert.match((await run()).out, /1 call to the model/)
    await server.close()
  })
})

test('refusals of every kind are told once the server has told them to its store', async () => {
  await withStore(async (run, url) => {
    const settings = { STORE_URL: url, CONNECTION_ASK_BURST: '1', BUDGET_PER_DAY: '0.0001', MAX_MESSAGE_CHARS: '20' }
    const server = await startServer(settings, { clock })
    await askOnce(server.ws)
    await askOnce(server.ws, ['Bonjour', 'Encore', 'x'.repeat(21)])
    await server.close()
    const { out } = await run()
    assert.match(out, /^ +2 {2}budget: larger than a whole day$/m)
    assert.match(out, /^ +1 {2}too many questions: from one connection$/m)
    assert.match(out, /^ +1 {2}message: too long$/m)
    const { refusals } = JSON.parse((await run('--json')).out)
    assert.ok(refusals.some(({ by, count }: { by: string; count: number }) => by === 'buckets' && count === 1))
  })
})

test('an answer that the filter cut off is told in the budget and in the report', async () => {
  await withStore(async (run, url, dir) => {
    const server = await startServer({ STORE_URL: url }, { clock })
    server.emulator.setScenario({ name: 'canary' })
    await askOnce(server.ws)
    await server.close()
    assert.match((await run()).out, /^Cut off by the filter today: 1 answer$/m)
    const day = /^Budget of (\S+)/.exec((await run()).out)?.[1] ?? ''
    const order = { args: ['--text', '--day', day], env: { STORE_URL: url }, envFile: join(dir, 'none.env'), clock }
    assert.match((await reportCommand(order)).out, /stopped by the filter +1\b/)
  })
})

const redisServer = await requireRedis()
if (redisServer)
  test('a fresh Redis is refused until --init, and only then', async () => {
    await withStore(async (_run, _url, dir) => {
      await mkdir(join(dir, 'redis'))
      const redis = await startRedis(join(dir, 'redis'))
      const run: Run = (...args) =>
        budgetCommand({ args, env: { STORE_URL: redis.url }, envFile: join(dir, 'none.env'), clock })
      const fresh = await run()
      assert.is(fresh.code, 78)
      assert.match(fresh.err, /npm run budget -- --init/)
      assert.match((await run('--init')).out, /^This Redis is ready/)
      assert.match((await run('--init')).out, /^This Redis was ready already/)
      assert.is((await run()).code, 0)
      await redis.end()
    })
  })

/** Asks one question after the other and leaves when the last has ended. */
function askOnce(ws: string, questions = ['Bonjour']): Promise<void> {
  const socket = new WebSocket(ws)
  const asks = questions.map((text, n) => JSON.stringify({ type: 'ask', id: `q${n}`, text }))
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () => socket.send('{"type":"hello"}'))
    socket.on('message', (data: Buffer) => {
      if (!/"type":"(welcome|done|error)"/.test(data.toString())) return
      const ask = asks.shift()
      if (ask === undefined) socket.close()
      else socket.send(ask)
    })
    socket.once('close', () => resolve())
  })
}

test.run()
