import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { append, budgetLines, slotsOf } from '../../client/admin/series.ts'
import { age, duration, money, percent } from '../../client/admin/words.ts'
import type { AdminBudget, AdminServerMessage } from '../../protocol/admin.ts'
import { parseAdminHello, parseAdminMessage } from '../../protocol/admin.ts'
import { createBoard } from '../../server/ops/admin/board.ts'
import { createHistory } from '../../server/ops/admin/history.ts'
import { createRecent } from '../../server/ops/admin/recent.ts'
import { createTally } from '../../server/ops/admin/tally.ts'
import { manualClock } from '../helpers/manual-clock.ts'

const budget: AdminBudget = {
  day: '2026-01-15',
  hourNow: 2.5,
  spent: 0.3,
  held: 0.1,
  cap: 1,
  released: 0.24,
  tomorrow: 1,
  monthBooked: 2,
  monthCap: 20,
  pace: Array.from({ length: 25 }, (_, hour) => 0.15 + (0.85 * hour) / 24),
  curve: [0.1, 0.2, 0.4],
  halted: null,
  openHolds: 1,
  lostHolds: 0,
  rush: false,
  events: [{ at: 1, kind: 'halt', text: 'halted: x' }],
}
const sampleAt = (at: number) => ({
  at,
  connections: at,
  streams: 0,
  firstP50: null,
  firstP95: null,
  questions: 1,
  refused: 0,
})

test('a hello is its token and nothing else', () => {
  assert.equal(parseAdminHello('{"type":"hello","token":"x"}'), { ok: true, message: { type: 'hello', token: 'x' } })
  for (const wrong of [
    '',
    '{',
    '[]',
    '{"type":"hello"}',
    '{"type":"hello","token":1}',
    '{"type":"hello","token":"x","a":1}',
  ])
    assert.is(parseAdminHello(wrong).ok, false, wrong)
})

test('messages of the server are rebuilt without what is not known', () => {
  const message: AdminServerMessage = { type: 'budget', budget }
  assert.equal(parseAdminMessage(JSON.stringify({ ...message, later: 1 })), { ok: true, message })
  assert.is(parseAdminMessage(JSON.stringify({ type: 'budget', budget: { ...budget, cap: '1' } })).ok, false)
})

test('percentiles are those of the latest values alone', () => {
  const clock = manualClock()
  const recent = createRecent(clock, { kept: 4, forMs: 1000 })
  assert.is(recent.percentile(50), null)
  for (const value of [9, 9, 1, 2, 3, 4]) recent.add(value)
  assert.equal([recent.percentile(50), recent.percentile(95)], [2, 4])
  clock.advance(900)
  recent.add(100)
  clock.advance(200)
  assert.equal([recent.percentile(50), recent.percentile(95)], [100, 100])
})

test('the history keeps the last hour, oldest first, on the server and in the page', () => {
  const history = createHistory(3)
  for (const at of [1, 2, 3, 4]) history.add(sampleAt(at))
  assert.equal(history.columns().connections, [2, 3, 4])
  const grown = append(history.columns(), sampleAt(5))
  assert.equal(
    [grown.at, grown.questions],
    [
      [2, 3, 4, 5],
      [1, 1, 1, 1],
    ],
  )
  assert.is(append(grown, sampleAt(5)), grown, 'the same one again')
  let long = grown
  for (let at = 6; at < 2000; at++) long = append(long, sampleAt(at))
  assert.equal([long.at.length, long.at[0], long.at.at(-1)], [1800, 200, 1999])
})

test('five minutes are one row with the most of each', () => {
  const history = createHistory(10)
  for (const at of [299_000, 300_000, 599_000, 600_000]) history.add({ ...sampleAt(at), firstP50: at / 1000 })
  assert.equal(
    slotsOf(history.columns()).map(({ at, connections, firstP50 }) => [at, connections, firstP50]),
    [
      [600_000, 600_000, 600],
      [300_000, 599_000, 599],
      [0, 299_000, 299],
    ],
  )
})

test('the budget’s curve ends now, the pace and the cap go on to midnight', () => {
  const [hours, booked = [], pace = [], cap = []] = budgetLines(budget)
  assert.equal(hours.slice(0, 5), [0, 1, 2, 2.5, 3])
  assert.equal(booked.slice(0, 5), [0, 0.1, 0.2, 0.4, null])
  assert.equal([pace[3], pace.at(-1), cap.at(-1), hours.length], [0.24, 1, 1, 26])
})

test('refusals are those of visitors and of the wallet; what fails is told by kind, a storm in one line', () => {
  const clock = manualClock()
  const { meter, figures, rates, firstText } = createTally(clock)
  meter.upgradeRefused({ status: 403, cause: 'origin' })
  meter.questionEnded({ outcome: 'rate_limited', cause: 'asks', totalMs: 1 })
  meter.questionEnded({ outcome: 'complete', source: 'knowledge', cause: 'pace', firstTextMs: 1 })
  meter.questionEnded({ outcome: 'complete', source: 'knowledge', cause: 'network', firstTextMs: 1 })
  meter.questionEnded({ outcome: 'complete', source: 'model', firstTextMs: 400 })
  assert.equal(rates(), { questions: 4, refused: 3 })
  assert.equal(firstText(), { p50: 400, p95: 400 })
  for (const result of ['network', 'network', 'aborted', 'unavailable', 'answered'] as const)
    meter.attemptEnded({ result })
  meter.storeCalled('ledger_reserve', 3, false)
  const seen = figures()
  assert.equal(seen.model, { calls: 5, failed: 3 })
  assert.equal(seen.store, { p95: 3, failed: 1 })
  assert.equal(
    seen.failures.map(({ of, kind, count }) => [of, kind, count]),
    [
      ['store', 'ledger_reserve', 1],
      ['model', 'unavailable', 1],
      ['model', 'network', 2],
    ],
  )
  assert.is(seen.refusals.length, 3)
  clock.advance(61_000)
  assert.equal(rates(), { questions: 0, refused: 0 })
  assert.equal(
    figures().refusals.map(({ lastMinute, sinceStart }) => [lastMinute, sinceStart]),
    [
      [0, 1],
      [0, 1],
      [0, 1],
    ],
  )
})

test('causes without end become one row', () => {
  const { meter, figures } = createTally(manualClock())
  for (let i = 0; i < 1000; i++) meter.upgradeRefused({ status: 403, cause: `cause ${i}` })
  const { refusals } = figures()
  assert.equal([refusals.length, refusals[0]?.sinceStart], [65, 936])
})

test('the store is asked while somebody watches, every 10 s and never twice at once; without it the rest goes on', async () => {
  const clock = manualClock()
  const waiting: ((read: AdminBudget | undefined) => void)[] = []
  const board = createBoard({
    clock,
    tally: createTally(clock),
    live: () => ({ connections: 3, streams: 1 }),
    process: () => ({ rssBytes: 1, busy: 0 }),
    budget: () => new Promise((resolve) => waiting.push(resolve)),
  })
  clock.advance(60_000)
  assert.equal([waiting.length, board.history().at.length], [0, 30])
  const told: { type: string; budget?: unknown }[] = []
  const unwatch = board.watch((message) => told.push(message))
  clock.advance(30_000)
  assert.is(waiting.length, 1)
  waiting[0]?.(undefined)
  await Promise.resolve()
  await Promise.resolve()
  assert.equal(told.at(-1), { type: 'budget', budget: null })
  assert.is(told.filter(({ type }) => type === 'figures').length, 16)
  clock.advance(10_000)
  assert.is(waiting.length, 2)
  unwatch()
  clock.advance(30_000)
  assert.equal([waiting.length, told.length], [2, 22])
  board.close()
  assert.is(clock.pending(), 0)
})

test('numbers in words', () => {
  assert.equal(
    [duration(null), duration(0), duration(0.31), duration(840), duration(1250)],
    ['–', '0 ms', '0.3 ms', '840 ms', '1.25 s'],
  )
  assert.equal([money(0.0168, 'USD'), money(12, ''), money(0, 'EUR')], ['0.0168\u00a0USD', '12.00', '0.00\u00a0EUR'])
  assert.equal([percent(1, 3), percent(1, 0)], ['33\u00a0%', '–'])
  assert.equal([age(59_000), age(3_720_000), age(100_000_000)], ['0 min', '1 h 2 min', '1 d 3 h'])
})

test.run()
