import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isTimeZone, windows } from '../../server/quota/windows.ts'

const HOUR = 3_600_000
const at = (iso: string) => Date.parse(iso)

test('days and months are local', () => {
  const paris = windows('Europe/Paris')
  const { day, month, daysLeft } = paris(at('2026-01-31T22:59:59.999Z'))
  assert.equal([day, month, daysLeft], ['2026-01-31', '2026-01', 1])
  const next = paris(at('2026-01-31T23:00:00Z'))
  assert.equal([next.day, next.month, next.daysLeft], ['2026-02-01', '2026-02', 28])
  assert.equal([next.startsAt, next.endsAt], [at('2026-01-31T23:00:00Z'), at('2026-02-01T23:00:00Z')])
})

test('a day has 23, 24 or 25 hours', () => {
  const cases: [string, string, number][] = [
    ['Europe/Paris', '2026-03-29T12:00:00Z', 23],
    ['Europe/Paris', '2026-10-25T00:30:00Z', 25],
    ['Europe/Paris', '2026-10-25T01:30:00Z', 25],
    ['Europe/Paris', '2026-07-01T12:00:00Z', 24],
    // Clocks that change at midnight: the day begins at one, or the evening comes twice.
    ['America/Sao_Paulo', '2018-11-04T12:00:00Z', 23],
    ['America/Sao_Paulo', '2018-02-17T12:00:00Z', 25],
    ['Australia/Lord_Howe', '2026-04-05T00:00:00Z', 24.5],
    ['Asia/Kathmandu', '2026-05-05T00:00:00Z', 24],
  ]
  for (const [zone, instant, hours] of cases) {
    const { startsAt, endsAt } = windows(zone)(at(instant))
    assert.is((endsAt - startsAt) / HOUR, hours, `${zone} ${instant}`)
  }
})

test('windows follow one another without a gap, and every instant is in its own', () => {
  const zone = fc.constantFrom('Europe/Paris', 'America/Sao_Paulo', 'Asia/Beirut', 'Pacific/Apia', 'America/St_Johns')
  const instant = fc.integer({ min: at('2012-01-01T00:00:00Z'), max: at('2030-01-01T00:00:00Z') })
  fc.assert(
    fc.property(zone, instant, (name, now) => {
      const windowAt = windows(name)
      const { day, startsAt, endsAt } = windowAt(now)
      assert.ok(startsAt <= now && now < endsAt)
      assert.is(windowAt(startsAt).day, day)
      assert.is(windowAt(endsAt - 1).day, day)
      assert.is(windows(name)(endsAt).startsAt, endsAt)
      assert.ok(windows(name)(endsAt).day > day)
    }),
    { numRuns: 150 },
  )
})

test('months have their length, leap years too', () => {
  const utc = windows('UTC')
  assert.is(utc(at('2028-02-01T00:00:00Z')).daysLeft, 29)
  assert.is(utc(at('2026-12-31T23:59:59Z')).daysLeft, 1)
})

test('time zones are checked', () => {
  assert.ok(isTimeZone('Europe/Paris'))
  assert.not(isTimeZone('Europe/Brest'))
  assert.throws(() => windows('nowhere'), RangeError)
})

test.run()
