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

test.run()
