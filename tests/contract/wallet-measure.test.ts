import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { measure } from '../../bench/wallet-case.ts'
import { judge } from '../../bench/wallet-days.ts'
import { buildApp } from '../helpers/built-app.ts'
import { requireRedis } from '../helpers/tools.ts'

// The short form of npm run bench:wallet: two days, fewer visitors, two processes of which one is killed now and then.
const short = {
  scheme: 'ours',
  processes: 2,
  capHolds: 30,
  clients: 24,
  days: 2,
  daySeconds: 2,
  killEveryMs: 1500,
} as const

const redis = await requireRedis()

for (const store of redis ? (['sqlite', 'redis'] as const) : (['sqlite'] as const)) {
  test(`hostile visitors and crashes never pass the budget (${store})`, async () => {
    const built = await buildApp()
    const { overshoot, days, kills, seen } = await measure({ ...short, store, program: [built.main] })
    await built.remove()
    assert.is(overshoot, 0)
    assert.is(days.length, short.days)
    assert.ok(days.some(({ calls }) => calls > 0) && seen.hungUp > 0 && kills > 0)
  })
}

const bill = (askedAt: number, at: number, nano: number) => ({ askedAt, at, nano })

test('the measurement sees a day that was passed, and counts full days only', () => {
  const bills = [
    [21_900, 60],
    [22_100, 90],
    [23_800, 30],
    [24_010, 5],
    [26_100, 500],
  ].map(([at = 0, nano = 0]) => bill(at - 50, at, nano))
  const { overshoot, utilisation, days } = judge(bills, 100, 2, 19_000, 26_200)
  assert.equal(
    days.map(({ nano, calls }) => [nano, calls]),
    [
      [60, 1],
      [120, 2],
      [5, 1],
    ],
  )
  assert.is(Number(overshoot.toFixed(3)), 0.2)
  assert.is(Number(utilisation.toFixed(3)), 0.617)
})

test('a question over midnight counts to the first day that has room', () => {
  const bills = [bill(20_000, 21_000, 60), bill(21_990, 22_010, 30), bill(21_990, 22_020, 30), bill(23_000, 23_900, 65)]
  const { overshoot, days } = judge(bills, 100, 2, 20_000, 24_000)
  assert.is(overshoot, 0)
  assert.equal(
    days.map(({ nano, overMidnight }) => [nano, overMidnight]),
    [
      [90, 30],
      [95, 30],
    ],
  )
})

test.run()
