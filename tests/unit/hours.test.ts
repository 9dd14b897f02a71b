import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Interval, type OpeningHours, openness } from '../../server/chat/hours.ts'
import { dateWords, openWords, timeWords, weekWords } from '../../server/chat/hours-words.ts'

const at = (iso: string) => Date.parse(iso)
const span = (from: number, to: number): Interval => ({ from: from * 60, to: to * 60 })
const weekday = [span(9.5, 12.5), span(14, 19)]
const shop: OpeningHours = {
  timeZone: 'Europe/Paris',
  week: [[], [], weekday, weekday, weekday, weekday, [span(9.5, 18)]],
  exceptions: new Map([
    ['12-25', []],
    ['2026-12-24', [span(9.5, 16)]],
    ['2027-12-25', [span(10, 12)]],
  ]),
}
const plain = (text: string) => text.replace(/[\u00A0\u202F]/g, ' ')
const fr = (iso: string, hours = shop) => plain(openWords(hours, at(iso), 'fr'))

test('open until the end of the interval, closed until the next one', () => {
  assert.is(fr('2026-01-06T09:00:00Z'), 'La boutique est ouverte en ce moment, jusqu’à 12 h 30.')
  assert.is(fr('2026-01-06T12:00:00Z'), 'La boutique est fermée en ce moment ; elle ouvre aujourd’hui à 14 h.')
  assert.is(fr('2026-01-06T18:30:00Z'), 'La boutique est fermée en ce moment ; elle ouvre demain à 9 h 30.')
  assert.is(fr('2026-01-03T18:30:00Z'), 'La boutique est fermée en ce moment ; elle ouvre mardi à 9 h 30.')
})

test('the first minute is open, the last is not', () => {
  assert.is(openness(shop, at('2026-01-06T08:29:59Z')).open, false)
  assert.is(openness(shop, at('2026-01-06T08:30:00Z')).open, true)
  assert.is(openness(shop, at('2026-01-06T11:29:59Z')).open, true)
  assert.is(openness(shop, at('2026-01-06T11:30:00Z')).open, false)
})

test('the three languages', () => {
  const open = at('2026-01-06T14:00:00Z')
  const closed = at('2026-01-03T18:30:00Z')
  assert.is(plain(openWords(shop, open, 'en')), 'The shop is open now, until 7 pm.')
  assert.is(plain(openWords(shop, closed, 'en')), 'The shop is closed now; it opens on Tuesday at 9:30 am.')
  assert.is(plain(openWords(shop, open, 'br')), 'Digor eo ar stal bremañ, betek 19e.')
  assert.is(plain(openWords(shop, closed, 'br')), 'Serret eo ar stal bremañ; digeriñ a raio d’ar Meurzh da 9e30.')
})

test('exceptions: a dated day wins over a yearly one, which wins over the week', () => {
  assert.is(fr('2026-12-24T15:30:00Z'), 'La boutique est fermée en ce moment ; elle ouvre samedi à 9 h 30.')
  assert.is(fr('2026-12-25T10:00:00Z'), 'La boutique est fermée en ce moment ; elle ouvre demain à 9 h 30.')
  assert.is(fr('2027-12-25T10:30:00Z'), 'La boutique est ouverte en ce moment, jusqu’à 12 h.')
})

test('the wall clock rules on the days when clocks change', () => {
  const daily = { ...shop, week: shop.week.map(() => [span(9, 18)]) }
  // 29 March 2026, 25 October 2026: 9 h on the wall is 7:00Z, then 8:00Z.
  assert.is(openness(daily, at('2026-03-29T06:59:00Z')).open, false)
  assert.is(openness(daily, at('2026-03-29T07:00:00Z')).open, true)
  assert.is(openness(daily, at('2026-10-25T07:59:00Z')).open, false)
  assert.is(openness(daily, at('2026-10-25T08:00:00Z')).open, true)
  assert.is(fr('2026-03-28T22:59:00Z', daily), 'La boutique est fermée en ce moment ; elle ouvre demain à 9 h.')
  assert.is(fr('2026-10-24T22:30:00Z', daily), 'La boutique est fermée en ce moment ; elle ouvre aujourd’hui à 9 h.')
})

test('the night in which a day gets 25 hours does not count it twice', () => {
  const monday = { ...shop, week: [[], [span(9, 18)], [], [], [], [], []] }
  assert.is(fr('2026-10-24T22:30:00Z', monday), 'La boutique est fermée en ce moment ; elle ouvre demain à 9 h.')
})

test('every hour of a year gives the state of the wall clock', () => {
  const wall = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Europe/Paris',
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  })
  const regular = { ...shop, exceptions: new Map<string, Interval[]>() }
  fc.assert(
    fc.property(fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') }), (now) => {
      const [day, time = ''] = wall.format(now).split(/,? /)
      const within = (from: string, to: string) => time >= from && time < to
      const usual = within('09:30', '12:30') || within('14:00', '19:00')
      const expected = day === 'Sat' ? within('09:30', '18:00') : day !== 'Sun' && day !== 'Mon' && usual
      assert.is(openness(regular, now).open, expected, `${day} ${time}`)
    }),
  )
})

test('hours that touch at midnight are one span', () => {
  const late = { ...shop, week: [[span(0, 2)], [], [], [], [], [], [span(18, 24)]] }
  assert.is(fr('2026-01-03T22:00:00Z', late), 'La boutique est ouverte en ce moment, jusqu’à demain à 2 h.')
  const evening = { ...shop, week: shop.week.map(() => [span(18, 24)]) }
  assert.is(fr('2026-01-03T22:00:00Z', evening), 'La boutique est ouverte en ce moment, jusqu’à minuit.')
})

test('always open and never open have no end to tell', () => {
  const always = { ...shop, week: shop.week.map(() => [span(0, 24)]), exceptions: new Map() }
  assert.equal(openness(always, 0), { open: true })
  assert.is(fr('2026-01-03T22:00:00Z', always), 'La boutique est ouverte en ce moment.')
  const never = { ...shop, week: shop.week.map(() => []), exceptions: new Map() }
  assert.equal(openness(never, 0), { open: false })
  assert.is(plain(openWords(never, 0, 'en')), 'The shop is closed now.')
})

test('a return more than a week away is told with its date', () => {
  const away = new Map<string, Interval[]>()
  for (let day = 1; day <= 31; day++) away.set(`2026-08-${String(day).padStart(2, '0')}`, [])
  const summer = { ...shop, exceptions: away }
  assert.is(
    fr('2026-08-10T10:00:00Z', summer),
    'La boutique est fermée en ce moment ; elle ouvre mardi 1er septembre à 9 h 30.',
  )
})

test('the date is that of the shop, not of the server', () => {
  assert.is(plain(dateWords('Europe/Paris', at('2025-12-31T23:30:00Z'), 'fr')), 'jeudi 1er janvier 2026')
  assert.is(plain(dateWords('Pacific/Auckland', at('2025-12-31T12:00:00Z'), 'en')), 'Thursday 1 January 2026')
  assert.is(plain(timeWords('Europe/Paris', at('2025-12-31T23:30:00Z'), 'fr')), '0 h 30')
  assert.is(plain(timeWords('Europe/Paris', at('2025-12-31T12:05:00Z'), 'en')), '1:05 pm')
})

test('the week in words groups equal days', () => {
  assert.is(
    plain(weekWords(shop, 'fr')),
    'lundi : fermé ; mardi – vendredi : 9 h 30 – 12 h 30, 14 h – 19 h ; samedi : 9 h 30 – 18 h ; dimanche : fermé',
  )
  assert.match(plain(weekWords(shop, 'en')), /^Monday: closed; Tuesday – Friday: 9:30 am – 12:30 pm, 2 pm – 7 pm/)
})

test.run()
