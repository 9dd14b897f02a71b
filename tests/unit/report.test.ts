import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readReportFlags } from '../../server/ops/report-flags.ts'
import { reportHtml } from '../../server/ops/report-html.ts'
import { reportText } from '../../server/ops/report-text.ts'
import { reportOf } from '../../server/ops/report-view.ts'
import { time } from '../../server/ops/report-words.ts'
import { windowNamed, windows } from '../../server/quota/windows.ts'
import { busyDay, emptyDay } from '../helpers/busy-day.ts'

const has = (text: string, part: string) => assert.ok(text.includes(part), `"${part}" is missing in\n${text}`)

test('a day is summed up from its counts and its book', () => {
  const view = reportOf(busyDay())
  assert.equal([view.asked, view.refused, view.spentNano, view.monthNano], [222, 56, 421_800_000, 6_621_800_000])
  assert.equal(view.answers[0], { name: 'model', count: 171 })
  assert.ok((view.first.median ?? 0) >= 610 && (view.first.median ?? 0) < 680)
  assert.ok((view.first.p95 ?? 0) >= 1900 && (view.first.p95 ?? 0) < 2100)
})

test('the text tells all of it, in plain lines', () => {
  const text = reportText(reportOf(busyDay()))
  has(text, 'Le Mécano, 2026-11-24 (Europe/Paris)\n\n  visitors             143\n  questions            222\n')
  has(text, '  16 h  ####################     30  0.0570 USD\n')
  has(text, '  by the model         171\n  by the shop’s notes  33\n')
  has(text, '0.4218 USD of 1.00 USD (42 %)')
  has(text, 'this month until then    6.6218 USD')
  has(text, '  budget: more was not released yet  ')
  has(text, '  too many questions: from one address')
  assert.match(text, /first chunk timeout +1\n/)
  assert.not(/NaN|undefined|Infinity/.test(text))
  assert.not(text.includes('seem to say nothing'))
})

test('an empty day is told in words', () => {
  const view = reportOf(emptyDay())
  const text = reportText(view)
  for (const part of ['No question was asked.', 'No question was answered.', 'nothing was timed', 'Nobody.', 'None.'])
    has(text, part)
  assert.not(/NaN|undefined|Infinity/.test(text + reportHtml(view)))
})

test('the page needs nothing else and runs nothing', () => {
  const html = reportHtml(reportOf(busyDay()))
  has(html, "content=\"default-src 'none'; style-src 'unsafe-inline'\"")
  assert.match(html, /Tuesday,? 24 November 2026/)
  has(html, 'aria-label="222 questions by hour"')
  assert.not(/<script|<link|src=|href=|url\(|@import|NaN|undefined/i.test(html))
})

test('visitors’ words are there only when they are kept, and stay text', () => {
  const words = ['Vendez-vous des <b>skis</b> ?', 'a\u001b[31mb']
  const view = reportOf(busyDay({ questions: words }))
  has(reportHtml(view), '<li>Vendez-vous des &lt;b&gt;skis&lt;/b&gt; ?</li>')
  has(reportText(view), '  - Vendez-vous des <b>skis</b> ?\n  - a\\u{1b}[31mb\n')
  has(reportText(reportOf(busyDay({ questions: [] }))), 'seem to say nothing\n  None.')
})

test('times are told as people read them', () => {
  assert.equal([12, 999, 1000, 9940, 12_400, undefined].map(time), ['12 ms', '999 ms', '1.0 s', '9.9 s', '12 s', '–'])
})

test('flags are read, or refused with every mistake', () => {
  assert.equal(readReportFlags([]), { kind: 'run', day: undefined, out: undefined, text: false })
  assert.equal(readReportFlags(['--day', '2026-11-24', '--out=r']), {
    kind: 'run',
    day: '2026-11-24',
    out: 'r',
    text: false,
  })
  assert.is(readReportFlags(['-h']).kind, 'help')
  for (const day of ['2026-02-30', '24.11.2026', 'x', ''])
    assert.is(readReportFlags([`--day=${day}`]).kind, 'wrong', day)
  const wrong = readReportFlags(['--day=x', '--out='])
  assert.is(wrong.kind === 'wrong' && wrong.mistakes.length, 2)
  for (const args of [['--text', '--out', 'r'], ['--svg'], ['day']]) assert.is(readReportFlags(args).kind, 'wrong')
})

test('a day is found by its name in any zone', () => {
  for (const zone of ['Pacific/Kiritimati', 'Europe/Paris', 'Pacific/Pago_Pago', 'America/New_York']) {
    const windowAt = windows(zone)
    for (const day of ['2026-03-29', '2026-11-01', '2026-12-31'])
      assert.is(windowNamed(day, windowAt)?.day, day, `${zone} ${day}`)
  }
  // Samoa went from one side of the date line to the other.
  assert.is(windowNamed('2011-12-30', windows('Pacific/Apia')), undefined)
})

test.run()
