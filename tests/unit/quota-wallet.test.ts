import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { LedgerStore } from '../../server/quota/ledger.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { bench, held, NANO, PRICES, REQUEST, usage, WORST } from '../helpers/wallet-bench.ts'

test('reserve holds the worst case, tighten the exact prompt, settle the cost', async () => {
  const { wallet, state } = bench()
  const hold = held(await wallet.reserve(REQUEST))
  assert.equal(await state(), ['2026-01-15', 0, WORST, 10_000, false])
  await hold.tighten(300)
  assert.equal(await state(), ['2026-01-15', 0, 1300, 10_000, false])
  await hold.settle(usage(300, 40))
  await hold.settle(usage(300, 40))
  await hold.tighten(1)
  assert.equal(await state(), ['2026-01-15', 700, 0, 10_000, false])
})

test('tighten never raises a hold, and odd counts leave it', async () => {
  const { wallet, state } = bench()
  const hold = held(await wallet.reserve(REQUEST))
  for (const count of [5000, Number.NaN, -1, 0, 0.5, 1e12]) await hold.tighten(count)
  assert.is((await state())?.[2], WORST)
})

test('free costs nothing, unknown costs the hold', async () => {
  const { wallet, state } = bench()
  await held(await wallet.reserve(REQUEST)).settle({ kind: 'free' })
  assert.equal((await state())?.slice(1, 3), [0, 0])
  const lost = held(await wallet.reserve(REQUEST))
  await lost.tighten(300)
  await lost.settle({ kind: 'unknown' })
  assert.equal((await state())?.slice(1, 3), [1300, 0])
})

test('absurd usage keeps the hold as spent and is logged', async () => {
  const { wallet, state, lines } = bench({ budgetPerDay: 20_000 * NANO })
  const absurd = [
    usage(Number.NaN, 1),
    usage(1, -1),
    usage(0.5, 1),
    usage(1, 2 ** 60),
    usage(0, 0),
    usage(Number.POSITIVE_INFINITY, 1),
  ]
  for (const outcome of absurd) await held(await wallet.reserve(REQUEST)).settle(outcome)
  assert.equal((await state())?.slice(1, 3), [WORST * absurd.length, 0])
  assert.equal(new Set(lines), new Set(['usage_absurd']))
})

test('a full day refuses until tomorrow; a hold in the way asks for a short wait', async () => {
  const { wallet, clock } = bench()
  const holds = await Promise.all([1, 2, 3, 4, 5].map(() => wallet.reserve(REQUEST)))
  assert.equal(await wallet.reserve(REQUEST), { ok: false, cause: 'day', retryAfterMs: 10_000 })
  for (const hold of holds) await held(hold).settle({ kind: 'unknown' })
  // 11:00 in Paris: 13 hours to midnight.
  assert.equal(await wallet.reserve(REQUEST), { ok: false, cause: 'day', retryAfterMs: 13 * 3_600_000 })
  clock.advance(13 * 3_600_000 - 1)
  assert.not((await wallet.reserve(REQUEST)).ok)
  clock.advance(1)
  assert.ok((await wallet.reserve(REQUEST)).ok)
})

test('the causes: month, share, too large', async () => {
  const month = bench({ budgetPerMonth: 2_000 * NANO, clock: manualClock(Date.UTC(2026, 0, 31, 10)) })
  assert.ok((await month.wallet.reserve(REQUEST)).ok)
  assert.equal(await month.wallet.reserve(REQUEST), { ok: false, cause: 'month', retryAfterMs: 10_000 })
  const share = bench({ sharePerAddress: 0.3 })
  assert.ok((await share.wallet.reserve(REQUEST)).ok)
  assert.is(await share.wallet.reserve(REQUEST).then((each) => !each.ok && each.cause), 'share')
  assert.ok((await share.wallet.reserve({ ...REQUEST, addressKey: 'b' })).ok)
  const large = bench()
  assert.equal(await large.wallet.reserve({ ...REQUEST, promptBytes: 10_000 }), { ok: false, cause: 'too_large' })
  assert.ok((await large.wallet.reserve(REQUEST)).ok)
  const tiered = bench({ prices: { ...PRICES, maxPromptTokens: 999 } })
  assert.equal(await tiered.wallet.reserve(REQUEST), { ok: false, cause: 'too_large' })
})

test('numbers that cannot be meant are refused', async () => {
  const { wallet, state } = bench()
  const odd = [
    { promptBytes: Number.NaN },
    { promptBytes: -1 },
    { promptBytes: 2 ** 53 },
    { messages: 0 },
    { messages: 1.5 },
  ]
  for (const part of [...odd, { maxOutputTokens: 0 }, { maxOutputTokens: Number.NaN }]) {
    assert.equal(await wallet.reserve({ ...REQUEST, ...part }), { ok: false, cause: 'too_large' })
  }
  assert.is((await state())?.[2], 0)
  for (const budget of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => bench({ budgetPerDay: budget }), RangeError)
    assert.throws(() => bench({ sharePerAddress: budget }), RangeError)
  }
  assert.throws(() => bench({ timeZone: 'Europe/Brest' }), RangeError)
})

test('an overrun is booked, logged as an error, and halts', async () => {
  const { wallet, state, lines } = bench()
  await held(await wallet.reserve(REQUEST)).settle(usage(900, 150))
  assert.equal(await state(), ['2026-01-15', 2400, 0, 10_000, true])
  assert.equal(await wallet.reserve(REQUEST), { ok: false, cause: 'halted' })
  assert.equal(lines, ['budget_overrun'])
})

test('more output than allowed halts also where the hold had room', async () => {
  const { wallet, state } = bench()
  await held(await wallet.reserve(REQUEST)).settle(usage(10, 101))
  assert.equal(await state(), ['2026-01-15', 1020, 0, 10_000, true])
})

test('a store in trouble refuses, is logged once per change, and holds never reject', async () => {
  const store = { broken: false }
  const { ledger } = bench()
  const guard =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> =>
      store.broken ? Promise.reject(Object.assign(new Error('no'), { code: 'SQLITE_FULL' })) : call(...args)
  const flaky: LedgerStore = {
    reserve: guard(ledger.reserve),
    tighten: guard(ledger.tighten),
    settle: guard(ledger.settle),
    snapshot: guard(ledger.snapshot),
    halt: guard(ledger.halt),
    resume: guard(ledger.resume),
    raise: guard(ledger.raise),
    report: guard(ledger.report),
    holds: guard(ledger.holds),
    day: guard(ledger.day),
    beat: guard(ledger.beat),
  }
  const { wallet, lines, state } = bench({ store: flaky })
  const hold = held(await wallet.reserve(REQUEST))
  store.broken = true
  assert.equal(await wallet.reserve(REQUEST), { ok: false, cause: 'store' })
  await hold.tighten(1)
  await hold.settle(usage(1, 1))
  assert.is(await wallet.state(), undefined)
  assert.equal(lines, ['store_trouble'])
  store.broken = false
  assert.is((await state())?.[2], WORST, 'the hold stays')
  assert.ok((await wallet.reserve(REQUEST)).ok)
  assert.equal(lines, ['store_trouble', 'store_back'])
})

test('a jump of the wall clock halts, also when the store was down at first', async () => {
  const { ledger } = bench()
  let down = true
  const halt = (cause: string): Promise<void> => (down ? Promise.reject(new Error('down')) : ledger.halt(cause))
  const { wallet, clock, lines } = bench({ store: { ...ledger, halt } })
  clock.jump(290_000)
  assert.ok((await wallet.reserve(REQUEST)).ok)
  clock.jump(-301_000)
  assert.equal(await wallet.reserve(REQUEST), { ok: false, cause: 'halted' })
  down = false
  for (let asked = 0; asked < 3; asked++) {
    assert.equal(await wallet.reserve(REQUEST), { ok: false, cause: 'halted' })
  }
  assert.equal(lines, ['wallet_halted clock', 'store_trouble Error', 'wallet_halted clock', 'store_back'])
  await ledger.resume()
  assert.ok((await wallet.reserve(REQUEST)).ok)
})

test('with the clock set back over midnight, each day keeps its cap', async () => {
  const { wallet, clock, ledger, state } = bench()
  const fill = async () => {
    let admitted = 0
    while ((await wallet.reserve(REQUEST)).ok) admitted += 1
    return admitted
  }
  assert.is(await fill(), 5)
  clock.advance(13 * 3_600_000 + 60_000)
  assert.is(await fill(), 5)
  clock.jump(-200_000)
  assert.is(await fill(), 0)
  clock.jump(-86_400_000)
  assert.is(await fill(), 0)
  await ledger.resume()
  assert.is(await fill(), 0)
  assert.equal((await state())?.slice(0, 3), ['2026-01-16', 0, 10_000])
})

test.run()
