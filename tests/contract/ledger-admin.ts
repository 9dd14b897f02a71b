import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Caps, DayWindow, ReserveOrder, Scope } from '../../server/quota/ledger.ts'
import { LOST_AFTER_MS, RUSH_LOOKBACK_MS, RUSH_MS } from '../../server/quota/ledger.ts'
import type { StoreKind } from './stores.ts'

const CAPS: Caps = { dayNano: 1000, monthNano: 100_000 }
const TODAY: DayWindow = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
const TOMORROW: DayWindow = { day: '2026-01-16', month: '2026-01', daysLeft: 16 }
const AT = Date.UTC(2026, 0, 15, 10)

const order = (id: string, nano: number, more: Partial<ReserveOrder> = {}): ReserveOrder => {
  return { ...TODAY, id, nano, owner: 'boot', caps: CAPS, scopes: [], at: AT, hour: 10, ...more }
}
const share = (address: string, capNano = 1000): Scope => ({ cause: 'share', key: `address:${address}`, capNano })
const paced = (capNano: number, more: Partial<Scope> = {}): Scope => ({ cause: 'pace', key: '', capNano, ...more })
const known = (nano: number, outputTokens = 0) => ({ nano, outputTokens, overrun: false })

/** Scopes, reports, and what the admin does, on every store. */
export function adminContract(kind: StoreKind): void {
  const it = (name: string, run: Parameters<typeof kind.use>[0]) => test(`${kind.name}: ${name}`, () => kind.use(run))

  it('a scope on the whole day caps what all may use, and the day is booked once', async ({ open }) => {
    const { ledger } = await open()
    assert.ok((await ledger.reserve(order('a', 200, { scopes: [paced(300)] }))).ok)
    const refused = await ledger.reserve(order('b', 101, { scopes: [paced(300)] }))
    assert.equal(!refused.ok && [refused.cause, refused.soon, refused.wantedNano], ['pace', true, 301])
    assert.ok((await ledger.reserve(order('b', 101, { scopes: [paced(301)] }))).ok)
    assert.is((await ledger.snapshot(TODAY, CAPS)).spent.held, 301)
  })

  it('what an address has had counts again against its next question', async ({ open }) => {
    const { ledger } = await open()
    const scopes = (address: string): Scope[] => {
      return [share(address), paced(900, { own: { key: `address:${address}`, times: 2 } })]
    }
    assert.ok((await ledger.reserve(order('a', 300, { scopes: scopes('one') }))).ok)
    const greedy = await ledger.reserve(order('b', 100, { scopes: scopes('one') }))
    assert.equal(!greedy.ok && [greedy.cause, greedy.soon, greedy.wantedNano], ['pace', true, 1000])
    assert.ok((await ledger.reserve(order('c', 100, { scopes: scopes('two') }))).ok, 'one who had nothing finds room')
  })

  it('a rush shows once enough is booked, to every process, and passes', async ({ open }) => {
    const { ledger } = await open()
    const scopes = [paced(1000, { rushNano: 500 })]
    assert.is((await ledger.reserve(order('a', 500, { scopes }))).rush, undefined)
    const rush = { since: AT - RUSH_LOOKBACK_MS, until: AT + RUSH_MS }
    assert.equal((await ledger.reserve(order('b', 1, { scopes }))).rush, rush)
    const elsewhere = (await open()).ledger
    const beat = { owner: 'other', window: TODAY, caps: CAPS }
    assert.equal((await elsewhere.beat({ ...beat, at: AT + 60_000 })).rush, rush)
    const longer = { since: rush.since, until: AT + 60_000 + RUSH_MS }
    assert.equal((await elsewhere.reserve(order('c', 1, { scopes, at: AT + 60_000 }))).rush, longer)
    assert.is((await ledger.beat({ ...beat, at: longer.until })).rush, undefined)
  })

  it('the report tells hours, addresses by hash and open holds', async ({ open }) => {
    const { ledger } = await open()
    await ledger.reserve(order('a', 200, { scopes: [share('192.0.2.1')] }))
    await ledger.reserve(order('b', 300, { scopes: [share('192.0.2.2')], hour: 23 }))
    await ledger.settle('b', known(250, 40))
    await ledger.beat({ owner: 'boot', at: AT, window: TODAY, caps: CAPS })
    const report = await ledger.report(TODAY, CAPS)
    assert.equal(report.hours[10]?.row, { spent: 0, held: 200, requests: 1, outputTokens: 0 })
    assert.equal(report.hours[23]?.row, { spent: 250, held: 0, requests: 1, outputTokens: 40 })
    assert.equal(report.spent, { spent: 250, held: 200, requests: 2, outputTokens: 40 })
    assert.equal(
      report.addresses.map(({ row }) => row.spent + row.held),
      [250, 200],
    )
    assert.not(JSON.stringify(report).includes('192.0.2'))
    assert.equal(report.holds, [{ id: 'a', owner: 'boot', day: TODAY.day, nano: 200, lost: false }])
    assert.equal([report.capNano, report.raisedNano, report.halted, report.rush], [1000, 0, undefined, undefined])
    const next = await ledger.report(TOMORROW, CAPS)
    assert.equal([next.spent.held, next.month.spent, next.addresses], [0, 250, []])
  })

  it('a day that is over keeps its sums, its hours and the cap it had', async ({ open }) => {
    const { ledger } = await open()
    const caps = { dayNano: 1000, monthNano: 1600 }
    await ledger.reserve(order('a', 100, { caps }))
    await ledger.settle('a', known(65, 9))
    await ledger.raise(TODAY.day, 50)
    for (const day of ['2026-01-16', '2026-01-17', '2026-01-18'])
      await ledger.reserve(order(day, 30, { caps, day, daysLeft: 33 - Number(day.slice(-2)), hour: 3 }))
    const first = await ledger.day(TODAY, caps)
    assert.equal([first.sums.spent, first.sums.outputTokens, first.raisedNano, first.beforeNano], [65, 9, 50, 0])
    assert.is(first.capNano, Math.floor(3200 / 17) + 50)
    assert.equal(
      first.hours.filter(({ row }) => row.spent > 0).map(({ hour }) => hour),
      [10],
    )
    const next = await ledger.day(TOMORROW, caps)
    assert.equal([next.sums.held, next.beforeNano, next.hours[3]?.row.held], [30, 65, 30])
    const never = await ledger.day({ day: '2026-02-01', month: '2026-02', daysLeft: 28 }, caps)
    assert.equal([never.sums.spent, never.beforeNano, never.hours.length], [0, 0, 24])
  })

  it('holds of a process that is silent for 90 s are lost, and stay counted', async ({ clock, open }) => {
    const { ledger } = await open()
    await ledger.reserve(order('a', 200))
    await ledger.beat({ owner: 'boot', at: clock.now(), window: TODAY, caps: CAPS })
    clock.advance(LOST_AFTER_MS - 1)
    assert.is((await ledger.report(TODAY, CAPS)).holds[0]?.lost, false)
    clock.advance(1)
    const { holds, spent } = await ledger.report(TODAY, CAPS)
    assert.equal(await ledger.holds(), holds)
    assert.equal([holds[0]?.lost, spent.held], [true, 200])
  })

  it('a raise is for its day, within the month, and noted', async ({ open }) => {
    const { ledger } = await open()
    const caps = { dayNano: 1000, monthNano: 1600 }
    const last: DayWindow = { ...TODAY, day: '2026-01-31', daysLeft: 1 }
    assert.not((await ledger.reserve(order('a', 1200, { ...last, caps }))).ok)
    await ledger.raise(last.day, 300)
    assert.ok((await ledger.reserve(order('a', 1200, { ...last, caps }))).ok)
    await ledger.raise(last.day, 1000)
    const { capNano, raisedNano, events } = await ledger.report(last, caps)
    assert.equal([capNano, raisedNano], [1600, 1300], 'the month stays')
    assert.equal(
      events.map(({ kind, detail }) => `${kind} ${detail}`),
      ['raise 2026-01-31 300', 'raise 2026-01-31 1000'],
    )
    for (const nano of [-1, 0.5, Number.NaN, 2 ** 53]) {
      assert.is(await ledger.raise(last.day, nano).catch(() => 'rejected'), 'rejected')
    }
    assert.is((await ledger.snapshot({ day: '2026-02-01', month: '2026-02', daysLeft: 28 }, caps)).capNano, 114)
  })

  it('halt and resume are noted with their time and cause', async ({ clock, open }) => {
    const { ledger } = await open()
    await ledger.halt('clock')
    await ledger.halt('overrun')
    clock.advance(5000)
    await ledger.resume()
    const at = clock.now()
    assert.equal((await ledger.report(TODAY, CAPS)).events, [
      { at: at - 5000, kind: 'halt', detail: 'clock' },
      { at, kind: 'resume', detail: 'clock' },
    ])
  })

  it('a beat tells the latest time that any process told', async ({ open }) => {
    const [one, two] = [(await open()).ledger, (await open()).ledger]
    const beat = { window: TODAY, caps: CAPS }
    assert.is((await one.beat({ ...beat, owner: 'one', at: AT })).lastAt, 0)
    assert.is((await two.beat({ ...beat, owner: 'two', at: AT - 999_999 })).lastAt, AT)
    const again = await one.beat({ ...beat, owner: 'one', at: AT - 5 })
    assert.equal([again.lastAt, again.day, again.capNano], [AT, TODAY.day, 1000])
  })

  it('an accepted clock may lie before the last day booked, which keeps its sums', async ({ open }) => {
    const { ledger } = await open()
    await ledger.reserve(order('a', 900))
    await ledger.reserve(order('b', 800, { ...TODAY, day: '2030-01-01', month: '2030-01' }))
    assert.is((await ledger.reserve(order('c', 10))).day, '2030-01-01')
    await ledger.resume(TODAY)
    const refused = await ledger.reserve(order('d', 200))
    assert.equal([refused.ok, refused.day], [false, TODAY.day])
    assert.ok((await ledger.reserve(order('e', 100))).ok)
  })
}
