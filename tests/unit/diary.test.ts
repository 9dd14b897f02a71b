import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createDiary } from '../../server/ops/diary.ts'
import { percentileOf, stepOf } from '../../server/ops/diary-times.ts'
import { refusalsOf } from '../../server/ops/refusals.ts'
import { windows } from '../../server/quota/windows.ts'
import { memoryStore } from '../../server/stores/memory.ts'
import { manualClock } from '../helpers/manual-clock.ts'

const DAY = '2026-01-15'

/** Noon in Paris. `told` has each call of the store; while `down`, it rejects them. */
function bench() {
  const clock = manualClock(Date.UTC(2026, 0, 15, 11))
  const { diary: kept } = memoryStore(clock)
  const told: [day: string, counts: Record<string, number>][] = []
  const state = { down: false }
  const store = {
    read: kept.read,
    async add(day: string, counts: Record<string, number>) {
      if (state.down) throw new Error('down')
      told.push([day, counts])
      await kept.add(day, counts)
    },
  }
  const diary = createDiary({ store, clock, windowAt: windows('Europe/Paris') })
  const read = async (day = DAY) => ({ ...(await kept.read(day)) })
  return { clock, diary, meter: diary.meter, told, state, read }
}

test('what the meter tells is counted by name, and told to the store once in twenty seconds', async () => {
  const { clock, meter, told, read } = bench()
  assert.is(clock.pending(), 0, 'silent while nothing happens')
  meter.connectionOpened()
  meter.greeted(false)
  meter.greeted(true)
  meter.questionEnded({ outcome: 'complete', source: 'model', firstTextMs: 400, totalMs: 3000 })
  meter.questionEnded({ outcome: 'complete', source: 'knowledge', cause: 'pace', firstTextMs: 3, totalMs: 3 })
  meter.questionEnded({ outcome: 'rate_limited', cause: 'asks' })
  meter.questionEnded({ outcome: 'proof_required' })
  meter.upgradeRefused({ status: 429, cause: 'upgrades' })
  meter.messageRefused('too_long')
  meter.attemptEnded({ result: 'unavailable' })
  meter.attemptEnded({ result: 'answered', usage: { promptTokens: 900, outputTokens: 30 } })
  meter.proof('solved')
  meter.storeCalled('bucket_take', 1, true)
  meter.storeCalled('bucket_take', 1, false)
  assert.equal(told, [])
  clock.advance(20_000)
  assert.is(told.length, 1)
  assert.equal(await read(), {
    connections: 1,
    visits: 1,
    returns: 1,
    'asked@12': 4,
    'answered:model': 1,
    'answered:knowledge': 1,
    'ended:complete': 2,
    'instead:pace': 1,
    [`first:${stepOf(400)}`]: 1,
    [`whole:${stepOf(3000)}`]: 1,
    'refused:asks': 1,
    'refused:proof_required': 1,
    'upgrade:upgrades': 1,
    'message:too_long': 1,
    calls: 2,
    'failure:unavailable': 1,
    'tokens:prompt': 900,
    'tokens:output': 30,
    'proof:solved': 1,
    store_failures: 1,
  })
})

test('each count goes to the day on which it was counted, and what is left is told at the end', async () => {
  const { clock, diary, meter, read } = bench()
  clock.jump(12 * 3_600_000 - 1)
  meter.connectionOpened()
  clock.jump(1)
  meter.connectionOpened()
  meter.connectionOpened()
  await diary.close()
  assert.equal([await read(), await read('2026-01-16')], [{ connections: 1 }, { connections: 2 }])
  assert.is(clock.pending(), 0)
})

test('what the store refuses is told again, once', async () => {
  const { clock, meter, state, read } = bench()
  state.down = true
  meter.connectionOpened()
  clock.advance(20_000)
  await clock.waiting(1)
  meter.connectionOpened()
  state.down = false
  clock.advance(20_000)
  assert.equal(await read(), { connections: 2 })
})

test('however many causes and absurd numbers are told, the store gets few and whole ones', async () => {
  const { diary, meter, read } = bench()
  for (let n = 0; n < 2000; n++) meter.upgradeRefused({ status: 403, cause: `cause-${n}` })
  for (const promptTokens of [-1, 0.5, Number.NaN, Infinity, 1e300])
    meter.attemptEnded({ result: 'answered', usage: { promptTokens, outputTokens: 1 } })
  await diary.close()
  const counts = await read()
  assert.ok(Object.keys(counts).length <= 501)
  assert.ok(Object.values(counts).every(Number.isSafeInteger))
  assert.ok((counts.other ?? 0) >= 1500)
})

test('a percentile is off by less than a tenth, and of nothing there is none', () => {
  const counts: Record<string, number> = {}
  for (let ms = 1; ms <= 2000; ms++) counts[`first:${stepOf(ms)}`] = (counts[`first:${stepOf(ms)}`] ?? 0) + 1
  for (const part of [0.5, 0.95]) {
    const found = percentileOf(counts, 'first:', part) ?? 0
    assert.ok(found >= 2000 * part && found <= 2000 * part * 1.1, `${part}: ${found}`)
  }
  assert.is(percentileOf(counts, 'whole:', 0.5), undefined)
  assert.equal([stepOf(0), stepOf(1e9)], [0, 130])
})

test('refusals are sorted by who refused; the notes that stepped in for the budget count as one', () => {
  const counts = { 'refused:streams': 1, 'refused:asks': 2, 'instead:pace': 3, 'refused:pace': 4, 'instead:network': 5 }
  assert.equal(
    refusalsOf({ ...counts, 'upgrade:origin': 6, 'message:busy': 7, 'refused:proof_required': 8, visits: 9 }),
    [
      { by: 'wallet', cause: 'pace', count: 7 },
      { by: 'buckets', cause: 'asks', count: 2 },
      { by: 'proof', cause: 'proof_required', count: 8 },
      { by: 'load', cause: 'streams', count: 1 },
      { by: 'message', cause: 'busy', count: 7 },
      { by: 'upgrade', cause: 'origin', count: 6 },
    ],
  )
})

test.run()
