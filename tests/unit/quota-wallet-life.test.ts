import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { LedgerStore } from '../../server/quota/ledger.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { bench, held, NANO, REQUEST, usage, WORST } from '../helpers/wallet-bench.ts'

test('a paced day says when enough of it is released', async () => {
  const { wallet } = bench({ pacing: true, clock: manualClock(Date.UTC(2026, 0, 14, 23)) })
  // 0.15 of 10,000 at midnight in Paris; 2,000 wait for (0.2 - 0.15) / 0.85 of the day, newcomers for 2,000 / 0.9.
  const request = { ...REQUEST, since: Date.UTC(2026, 0, 14, 12) }
  const refused = await wallet.reserve(request)
  assert.equal(refused, { ok: false, cause: 'pace', retryAfterMs: Math.ceil((0.05 / 0.85) * 86_400_000) })
  const newcomer = await wallet.reserve(REQUEST)
  assert.ok(!newcomer.ok && newcomer.cause === 'newcomers' && (newcomer.retryAfterMs ?? 0) > 6_000_000)
})

test('a rush is seen, told without waiting, and passes', async () => {
  const { wallet, clock } = bench({ pacing: true, budgetPerDay: 20_000 * NANO })
  assert.is(wallet.rush(), undefined)
  const addresses = ['a', 'b', 'c', 'd', 'e']
  for (const addressKey of addresses) await wallet.reserve({ ...REQUEST, addressKey })
  const rush = wallet.rush()
  assert.ok(rush && rush.since < clock.now(), 'who came shortly before it came with it')
  clock.advance(600_000)
  assert.is(wallet.rush(), undefined)
})

test('a settle that the store refused is tried again until it is booked', async () => {
  const { ledger } = bench()
  let broken = false
  const settle: LedgerStore['settle'] = (id, settlement) =>
    broken ? Promise.reject(new Error('down')) : ledger.settle(id, settlement)
  const { wallet, clock, lines } = bench({ store: { ...ledger, settle } })
  const hold = held(await wallet.reserve(REQUEST))
  broken = true
  await hold.settle(usage(900, 10))
  await hold.settle({ kind: 'free' })
  clock.advance(20_000)
  broken = false
  await clock.waiting(1)
  clock.advance(20_000)
  while ((await wallet.state())?.heldNano !== 0);
  assert.equal([(await wallet.state())?.spentNano, lines], [1000, ['store_trouble Error', 'store_back']])
})

test('a settle that the store refused is booked as soon as the store admits a question again', async () => {
  const { ledger } = bench()
  let broken = false
  const settle: LedgerStore['settle'] = (id, settlement) =>
    broken ? Promise.reject(new Error('down')) : ledger.settle(id, settlement)
  const { wallet } = bench({ store: { ...ledger, settle } })
  const refused = held(await wallet.reserve(REQUEST))
  broken = true
  await refused.settle(usage(900, 10))
  broken = false
  assert.is((await wallet.state())?.heldNano, WORST)
  const admitted = held(await wallet.reserve(REQUEST))
  while ((await wallet.state())?.heldNano !== WORST);
  assert.is((await wallet.state())?.spentNano, 1000)
  await admitted.settle({ kind: 'free' })
})

test('a reserve whose answer was lost is given back, for nothing was sent', async () => {
  const { ledger } = bench()
  let lost = true
  const reserve: LedgerStore['reserve'] = async (order) => {
    const reserved = await ledger.reserve(order)
    if (lost) throw new Error('timeout')
    return reserved
  }
  const { wallet, state } = bench({ store: { ...ledger, reserve } })
  assert.equal(await wallet.reserve(REQUEST), { ok: false, cause: 'store' })
  lost = false
  assert.equal((await state())?.slice(1, 3), [0, 0])
})

test('holds show whose process lives, without a question being asked', async () => {
  const { wallet, clock, ledger } = bench()
  const hold = held(await wallet.reserve(REQUEST))
  const window = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
  const report = () => ledger.report(window, { dayNano: 10_000, monthNano: 1_000_000 })
  for (let beats = 0; beats < 8; beats++) {
    await clock.waiting(1)
    clock.advance(20_000)
  }
  await clock.waiting(1)
  assert.is((await report()).holds[0]?.lost, false)
  await hold.settle(usage(1, 1))
  clock.advance(20_000)
  await report()
  assert.is(clock.pending(), 0, 'with nothing open it falls silent')
  await wallet.close()
})

test('a clock that was set back between two runs halts until it is accepted', async () => {
  const first = bench()
  await first.wallet.reserve(REQUEST)
  const clock = manualClock(Date.UTC(2026, 0, 14, 10))
  const random = { float: () => 0.5, token: () => `later-${clock.monotonic()}` }
  const { wallet, lines } = bench({ store: first.ledger, clock, random })
  assert.equal(await wallet.reserve(REQUEST), { ok: false, cause: 'halted' })
  assert.equal(lines, ['wallet_halted clock'])
  await first.ledger.resume({ day: '2026-01-14', month: '2026-01', daysLeft: 18 })
  assert.ok((await wallet.reserve(REQUEST)).ok)
  assert.is((await wallet.state())?.day, '2026-01-14')
})

test('short days have caps of their own', async () => {
  const { wallet, clock } = bench({ daySeconds: 10 })
  const fill = async () => {
    let admitted = 0
    while ((await wallet.reserve(REQUEST)).ok) admitted += 1
    return admitted
  }
  for (const _day of [1, 2, 3]) {
    assert.is(await fill(), 5)
    clock.advance(10_000)
  }
})

test.run()
