import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type FairRequest, fairCaps, fairScopes } from '../../server/quota/fairness.ts'
import { memoryStore } from '../../server/stores/memory.ts'
import { manualClock } from '../helpers/manual-clock.ts'

const DAY = 1_000_000
const HOLD = 1000
const usual: FairRequest = { elapsed: 1, dayCapNano: DAY, share: 0.05, pacing: true, established: false }
const someRequest = fc.record({
  elapsed: fc.double({ min: 0, max: 1, noNaN: true }),
  dayCapNano: fc.integer({ min: 0, max: 1e15 }),
  share: fc.double({ min: 0.0001, max: 1, noNaN: true }),
  pacing: fc.boolean(),
  established: fc.boolean(),
})

/** A day's ledger, at its end until `at` says else; `ask` holds HOLD for an address and tells whether it was admitted. */
function openDay() {
  const { ledger } = memoryStore(manualClock())
  let ids = 0
  let elapsed = 1
  const at = (part: number): void => {
    elapsed = part
  }
  const ask = async (address: string, established = false): Promise<boolean> => {
    // 'a/b': address a of the network b.
    const networks = address
      .split('/')
      .slice(1)
      .map((key) => ({ key, scale: 16 }))
    const scopes = fairScopes({ ...usual, elapsed, established }, address, networks)
    const order = { id: `${++ids}`, owner: 'o', nano: HOLD, scopes, at: ids, hour: 0 }
    const caps = { dayNano: DAY, monthNano: DAY }
    return (await ledger.reserve({ ...order, caps, day: '2026-01-15', month: '2026-01', daysLeft: 1 })).ok
  }
  /** Each asks as often as it is admitted, in turn; how often each was. */
  const greedy = async (addresses: readonly string[], established = false): Promise<number[]> => {
    const counts = addresses.map(() => 0)
    for (let more = true; more; ) {
      more = false
      for (const [index, address] of addresses.entries()) {
        if (!(await ask(address, established))) continue
        counts[index] = (counts[index] ?? 0) + 1
        more = true
      }
    }
    return counts
  }
  return { at, ask, greedy }
}

const crowd = (count: number) => Array.from({ length: count }, (_, index) => `hostile-${index}`)

test('a day is released from 15 % at midnight to all of it, or at once without pacing', () => {
  const released = (elapsed: number, pacing = true) => fairCaps({ ...usual, elapsed, pacing }).releasedNano
  assert.equal(
    [0, 0.5, 1].map((elapsed) => released(elapsed)),
    [150_000, 575_000, 1_000_000],
  )
  assert.equal(
    [Number.NaN, -1, 2].map((elapsed) => released(elapsed)),
    [150_000, 150_000, 1_000_000],
  )
  assert.is(released(0, false), DAY)
  assert.equal(
    fairScopes({ ...usual, pacing: false }, 'a').map(({ cause }) => cause),
    ['share'],
  )
})

test('caps are whole, never more than the day, and never fall as it goes by', () => {
  fc.assert(
    fc.property(someRequest, fc.double({ min: 0, max: 1, noNaN: true }), (request, other) => {
      const caps = Object.values(fairCaps(request))
      const later = Object.values(fairCaps({ ...request, elapsed: Math.max(other, request.elapsed) }))
      for (const [index, cap] of caps.entries()) {
        assert.ok(Number.isSafeInteger(cap) && cap >= 0 && cap <= request.dayCapNano)
        assert.ok((later[index] ?? -1) >= cap)
      }
    }),
  )
})

test('one address gets its share, not more', async () => {
  assert.equal(await openDay().greedy(['a']), [50])
})

test('greedy addresses get the same, and one who had nothing still finds room', async () => {
  for (const count of [20, 50, 150]) {
    const { ask, greedy } = openDay()
    const counts = await greedy(crowd(count))
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${count}: ${counts}`)
    assert.ok(Math.min(...counts) >= Math.floor((0.9 * DAY) / HOLD / (count + 4)), `${count}: ${counts}`)
    assert.ok(await ask('late'), `${count}`)
  }
})

test('who came first gives way, until who came late has had as much', async () => {
  const { at, greedy } = openDay()
  at(0.3)
  const total = await greedy(crowd(30))
  for (let part = 0.3; part <= 1; part += 0.01) {
    at(part)
    const more = await greedy([...crowd(30), 'late-1', 'late-2'])
    for (const [index, count] of more.entries()) total[index] = (total[index] ?? 0) + count
  }
  assert.ok(Math.max(...total) - Math.min(...total) <= 2, `${total}`)
})

test('a thousand newcomers of one question leave a dozen questions to each who was there before', async () => {
  const { ask, greedy } = openDay()
  await greedy(crowd(1000))
  assert.not(await ask('newcomer'))
  for (let question = 0; question < 12; question++) assert.ok(await ask('regular', true), `question ${question}`)
})

test('a crowd that was there before leaves a quarter to newcomers', async () => {
  const { greedy } = openDay()
  const taken = (await greedy(crowd(100), true)).reduce((sum, count) => sum + count)
  assert.ok(taken * HOLD <= 0.75 * DAY, `${taken}`)
  const [newcomer = 0] = await greedy(['newcomer'])
  assert.ok(newcomer >= 20, `${newcomer}`)
})

test('a thousand addresses of one network leave an honest visitor his dozen questions', async () => {
  const { greedy, ask } = openDay()
  const counts = await greedy(crowd(1000).map((address) => `${address}/one-customer`))
  assert.ok(counts.reduce((a, b) => a + b) <= 820, 'what the network may have')
  for (let question = 0; question < 12; question++) assert.ok(await ask('honest'), `question ${question}`)
})

test.run()
