import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Database from 'libsql'
import { test } from 'uvu'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { buildApp } from '../helpers/built-app.ts'
import { startRedis } from '../helpers/redis.ts'
import { requireTool } from '../helpers/tools.ts'
import { attackAlone, type Toll, times } from './attack.ts'
import { openTarget, type Target, untilReady } from './target.ts'
import { type Visitor, visit } from './visitor.ts'

const app = buildApp()
const alone = async () => openTarget({ app: await app })

/** While the store is out of order: no call, and a sentence each time. */
async function refusesAll(target: Target, visitor: Visitor, toll: Toll, name: string, tries = 10): Promise<void> {
  const before = target.emulator.ledger().requests
  for (let n = 0; n < tries; n++) {
    const end = await visitor.ask(`${name}${n}`)
    toll.tried()
    if (end?.type !== 'error' || end.message.length < 20) toll.lost(`${name}: ${JSON.stringify(end)}`)
  }
  const calls = target.emulator.ledger().requests - before
  if (calls > 0) toll.lost(`${calls} calls while ${name}`, calls)
}

/** Once it is mended an answer comes, without a restart. */
async function recovers(target: Target, visitor: Visitor, toll: Toll, name: string): Promise<void> {
  await untilReady(target)
  const end = await visitor.ask(`${name}-again`)
  if (end?.type !== 'done') toll.lost(`after ${name}: ${JSON.stringify(end)}`)
}

attackAlone(8, 'SQLite locked by somebody else', alone, async (target, toll) => {
  const visitor = await visit(target)
  if ((await visitor.ask('before'))?.type !== 'done') toll.lost('no answer before')
  // The server may still be writing what it knows of the answer.
  const other = new Database(join(target.dir, 'data/le-mecano.db'), { timeout: 10_000 })
  other.exec('BEGIN EXCLUSIVE')
  // It waits for the lock as long as a visitor would, each time.
  await refusesAll(target, visitor, toll, 'locked', times(1, 5))
  other.exec('ROLLBACK')
  other.close()
  await recovers(target, visitor, toll, 'locked')
})

const prlimit = await requireTool({ name: 'prlimit', binaries: ['prlimit'], debianPackage: 'util-linux' })
if (prlimit) {
  attackAlone(8, 'the disk is full', alone, async (target, toll) => {
    const visitor = await visit(target)
    if ((await visitor.ask('before'))?.type !== 'done') toll.lost('no answer before')
    // No file may grow any more: every write fails, as on a full disk.
    const limit = (bytes: string) =>
      promisify(execFile)(prlimit, ['--pid', String(target.pid), `--fsize=${bytes}:unlimited`])
    await limit('1')
    await refusesAll(target, visitor, toll, 'full')
    await limit('unlimited')
    await recovers(target, visitor, toll, 'full')
  })
}

const redis = await startRedis()
if (redis) {
  const onRedis = async () => {
    await redis.empty()
    await initStore(redis.url, silentLog)
    return openTarget({ app: await app, env: { STORE_URL: redis.url } })
  }

  attackAlone(8, 'Redis down, and read-only', onRedis, async (target, toll) => {
    const visitor = await visit(target)
    if ((await visitor.ask('before'))?.type !== 'done') toll.lost('no answer before')
    // A replica that takes over is another matter: nobody knows what it lacks.
    await redis.command('CONFIG', 'SET', 'min-replicas-to-write', '1')
    await refusesAll(target, visitor, toll, 'readonly')
    await redis.command('CONFIG', 'SET', 'min-replicas-to-write', '0')
    await recovers(target, visitor, toll, 'readonly')
    await redis.kill()
    await refusesAll(target, visitor, toll, 'down')
    await redis.start()
    await recovers(target, visitor, toll, 'down')
  })

  attackAlone(9, 'FLUSHALL', onRedis, async (target, toll) => {
    const visitor = await visit(target)
    if ((await visitor.ask('before'))?.type !== 'done') toll.lost('no answer before')
    await redis.command('FLUSHALL')
    await refusesAll(target, visitor, toll, 'flushed')
    await redis.command('FLUSHALL')
    await refusesAll(target, visitor, toll, 'flushed-twice')
    // The admin acts, with the command that the server was built with.
    await target.budget('--init')
    await recovers(target, visitor, toll, 'flushed')
  })
}

test('Redis ends', async () => redis?.close())
test('the built copy is removed', async () => (await app).remove())

test.run()
