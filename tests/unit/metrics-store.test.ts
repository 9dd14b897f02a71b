import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Meter } from '../../server/meter.ts'
import { budgetReader } from '../../server/ops/budget-readings.ts'
import { meteredProofs, meteredStore } from '../../server/ops/metered.ts'
import { createWallet } from '../../server/quota/wallet.ts'
import { memoryStore } from '../../server/stores/memory.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { held, PRICES, REQUEST, usage, WORST } from '../helpers/wallet-bench.ts'

const NANO = 1e-9
const BUDGET = { perDay: 0.00001, perMonth: 0.001, timeZone: 'Europe/Paris', pacing: true }

function bench() {
  const clock = manualClock(Date.UTC(2026, 0, 15, 11))
  const store = memoryStore(clock)
  const shared = {
    store: store.ledger,
    prices: PRICES,
    timeZone: BUDGET.timeZone,
    sharePerAddress: 1,
    pacing: false,
    clock,
  }
  const random = { float: () => 0.5, token: (bytes: number) => `token-${bytes}-${clock.monotonic()}` }
  const log = { info() {}, warn() {}, error() {}, child: () => log }
  const wallet = createWallet({
    ...shared,
    budgetPerDay: BUDGET.perDay,
    budgetPerMonth: BUDGET.perMonth,
    random,
    log,
    bootId: 'boot',
  })
  return { clock, store, wallet }
}

test('the budget is told in its currency, with what is released by now', async () => {
  const { clock, store, wallet } = bench()
  const read = budgetReader({ ledger: store.ledger, budget: BUDGET, clock })
  const first = held(await wallet.reserve(REQUEST))
  await first.settle(usage(500, 20))
  clock.advance(1)
  held(await wallet.reserve(REQUEST))
  const seen = await read()
  assert.ok(seen)
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} ${expected}`)
  near(seen.spent, 700 * NANO)
  near(seen.held, WORST * NANO)
  near(seen.cap, 0.00001)
  // Noon: 0.15 + 0.85 × 0.5 of the day.
  near(seen.released, 0.575 * 0.00001)
  near(seen.monthBooked, (700 + WORST) * NANO)
  assert.equal([seen.monthCap, seen.halted, seen.openHolds, seen.lostHolds], [0.001, false, 1, 0])
  await store.ledger.halt('clock')
  assert.is((await read())?.halted, true)
  clock.jump(100_000)
  assert.equal([(await read())?.openHolds, (await read())?.lostHolds], [0, 1])
})

test('a store that is broken or stuck tells nothing of the budget, and in time', async () => {
  const { clock, store } = bench()
  const broken = async () => Promise.reject(new Error('no'))
  assert.is(await budgetReader({ ledger: { ...store.ledger, holds: broken }, budget: BUDGET, clock })(), undefined)
  assert.is(clock.pending(), 0)
  const stuck = () => new Promise<never>(() => {})
  const read = budgetReader({ ledger: { ...store.ledger, snapshot: stuck }, budget: BUDGET, clock })()
  clock.advance(2000)
  assert.is(await read, undefined)
})

test('each call of the store is timed, and a rejected one counted', async () => {
  const { clock, store } = bench()
  const calls: unknown[][] = []
  const meter: Pick<Meter, 'storeCalled'> = { storeCalled: (...call) => void calls.push(call) }
  const slow = {
    ...store,
    buckets: {
      ...store.buckets,
      async take(takes: Parameters<typeof store.buckets.take>[0]) {
        clock.advance(7)
        return store.buckets.take(takes)
      },
    },
  }
  const metered = meteredStore(slow, clock, meter)
  const takes = [{ rule: { name: 'asks', burst: 1, perMinute: 1 }, key: 'a' }]
  assert.is((await metered.buckets.take(takes)).ok, true)
  assert.is((await metered.buckets.take(takes)).ok, false)
  await metered.conversations.put('k', 0, new Uint8Array([1]), clock.now() + 1000)
  assert.equal(await metered.conversations.load('k'), { at: 'here', blobs: [new Uint8Array([1])] })
  await store.close()
  await assertRejects(() => metered.ledger.halt('x'))
  await assertRejects(() => metered.conversations.load('k'))
  assert.equal(calls, [
    ['bucket_take', 7, true],
    ['bucket_take', 7, true],
    ['conversation_put', 0, true],
    ['conversation_load', 0, true],
    ['conversation_load', 0, false],
  ])
})

test('proofs are counted as asked, solved and rejected', async () => {
  const steps: string[] = []
  const proofs = meteredProofs(
    { wanted: () => true, challenge: async () => 'challenge', redeem: async (proof) => proof === 'good' },
    { proof: (step) => void steps.push(step) },
  )
  assert.is(proofs.wanted(undefined), true)
  assert.is(await proofs.challenge('a'), 'challenge')
  assert.equal([await proofs.redeem('bad', 'a'), await proofs.redeem('good', 'a')], [false, true])
  assert.equal(steps, ['asked', 'rejected', 'solved'])
})

async function assertRejects(call: () => Promise<unknown>): Promise<void> {
  const outcome = await call().then(
    () => 'resolved',
    () => 'rejected',
  )
  assert.is(outcome, 'rejected')
}

test.run()
