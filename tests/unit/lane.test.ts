import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql/promise'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openLane } from '../../server/stores/lane.ts'
import { prepareOn } from '../../server/stores/sqlite.ts'

/** A lane whose checkpoints end when they are told to. */
async function setup() {
  const db = new Database(':memory:', {})
  const checkpoints: (() => void)[] = []
  const began: (() => void)[] = []
  let closed = false
  const connect = () => ({
    exec: () =>
      new Promise<void>((resolve) => {
        checkpoints.push(resolve)
        began.shift()?.()
      }),
    close: () => (closed = true),
  })
  const lane = await openLane({ db, prepare: prepareOn(db), connect, sync: async () => {} })
  const write = async (count: number) => {
    for (let n = 0; n < count; n++) await lane.run(false, () => {})
  }
  return {
    lane,
    write,
    checkpoints,
    /** Resolves when the next checkpoint begins. */
    next: () => new Promise<void>((resolve) => began.push(resolve)),
    closed: () => closed,
  }
}

test('the log is copied beside the writers first, and then its rest while nobody writes', async () => {
  const { lane, write, checkpoints, next } = await setup()
  const [first, second] = [next(), next()]
  await write(500)
  await first
  await write(10)
  checkpoints.shift()?.()
  await second
  let written = false
  const write511 = write(1).then(() => (written = true))
  // Whatever the lane would do by itself it has done by now.
  for (let n = 0; n < 20; n++) await new Promise(setImmediate)
  assert.not(written)
  checkpoints.shift()?.()
  await write511
  assert.is(checkpoints.length, 0)
  await lane.close()
})

test('a lane closes after the checkpoint that is under way, without another one', async () => {
  const { lane, write, checkpoints, next, closed } = await setup()
  const first = next()
  await write(500)
  await first
  const closing = lane.close()
  await new Promise(setImmediate)
  assert.not(closed())
  checkpoints.shift()?.()
  await closing
  assert.ok(closed())
  assert.is(checkpoints.length, 0)
})

test('what is remembered lasts over one’s own writes, and ends with those of another, a rollback, and when it is large', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-lane-'))
  const [db, other] = [new Database(join(dir, 'lane.db'), {}), new Database(join(dir, 'lane.db'), {})]
  await db.exec('PRAGMA journal_mode=WAL; CREATE TABLE numbers (n INTEGER)')
  const connect = () => ({ exec: async () => undefined, close: () => undefined })
  const lane = await openLane({ db, prepare: prepareOn(db), connect, sync: async () => {} })
  const write = await prepareOn(db)('INSERT INTO numbers VALUES (1)')
  const memo = lane.memo<number>()
  const remember = () =>
    lane.run(false, () => {
      write.run()
      memo.set('seen', 1)
    })
  const remembered = () => lane.run(false, () => memo.has('seen'))

  await remember()
  await remember()
  assert.ok(await remembered())
  await other.exec('INSERT INTO numbers VALUES (2)')
  assert.not(await remembered())
  await remember()
  const broken = lane.run(false, () => {
    memo.set('never written', 1)
    throw new Error('a step that fails')
  })
  await broken.catch(() => undefined)
  assert.is(await lane.run(false, () => memo.size), 0)
  await lane.run(false, () => {
    for (let n = 0; n <= 10_000; n++) memo.set(String(n), n)
  })
  assert.is(await lane.run(false, () => memo.size), 0)

  await lane.close()
  db.close()
  other.close()
  await rm(dir, { recursive: true })
})

test('a step that is told ahead of its sync is durable once that is done', async () => {
  const db = new Database(':memory:', {})
  const connect = () => ({ exec: async () => undefined, close: () => undefined })
  const syncs: { done: () => void; failed: (cause: unknown) => void }[] = []
  const sync = () => new Promise<void>((done, failed) => void syncs.push({ done, failed }))
  const lane = await openLane({ db, prepare: prepareOn(db), connect, sync })
  const first = await lane.runAhead(() => 1)
  assert.is(first.value, 1)
  let durable = false
  const told = first.durable.then(() => (durable = true))
  for (let n = 0; n < 20; n++) await new Promise(setImmediate)
  assert.not(durable)
  syncs[0]?.done()
  await told
  const second = await lane.runAhead(() => 2)
  const refused = second.durable.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  while (syncs.length < 2) await new Promise(setImmediate)
  syncs[1]?.failed('no disk')
  assert.is(await refused, 'no disk')
  await lane.close()
})

test.run()
