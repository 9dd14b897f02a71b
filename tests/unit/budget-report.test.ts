import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readBudgetFlags } from '../../server/ops/budget-flags.ts'
import { budgetSvg, niceTop } from '../../server/ops/budget-svg.ts'
import { bar, budgetText } from '../../server/ops/budget-text.ts'
import { viewOf } from '../../server/ops/budget-view.ts'
import { amount } from '../../server/ops/budget-words.ts'
import { busySource, row } from '../helpers/budget-report.ts'

const has = (text: string, part: string) => assert.ok(text.includes(part), `"${part}" is missing in\n${text}`)

test('the text tells today, the month and tomorrow', () => {
  const text = budgetText(viewOf(busySource()))
  has(text, 'Budget of 2026-11-24 · 2026-11-24 14:30 Europe/Paris')
  has(text, '0.4290 of 1.50 USD spent (29 %), 0.0120 held, 1.0590 left')
  has(text, '189 calls to the model, 38,411 tokens of answers')
  has(text, 'raised by 0.50 for today')
  has(text, '6.2120 of 20.00 USD spent or held (31 %), 7 days left')
  has(text, 'Tomorrow  1.00 USD at most')
})

test('the text tells what a crash left, who asked, what was refused and what happened', () => {
  const text = budgetText(viewOf(busySource()))
  has(text, 'Left by a crash: 2 holds of 1 process, 0.0090.')
  has(text, 'Open now: 1 hold, 0.0030.')
  has(text, 'a8f3c2d19e7b     0.0412   55 %  21 calls')
  assert.not(text.includes('a8f3c2d19e7b4'))
  has(text, '     1200  budget: the day was spent\n       33  budget: more was not released yet')
  has(text, '        7  too many questions: from one address\nCut off by the filter today: 2 answers\n\n')
  has(text, '2026-11-24 09:12  halted: an answer was billed more than its question had set aside')
  has(text, '2026-11-24 09:14  2026-11-24 raised by 0.50')
})

test('a halt stands above all, with the way out', () => {
  const lines = budgetText(viewOf(busySource({ halted: 'clock' }))).split('\n')
  assert.is(lines[2], 'HALTED since 2026-11-24 09:12: the clock of the machine jumped.')
  has(lines[3] ?? '', 'npm run budget -- --resume')
})

test('an empty day is told in words', () => {
  const empty = { spent: row(0), hours: [], addresses: [], holds: [], events: [], raisedNano: 0 }
  const text = budgetText(viewOf({ ...busySource(empty), counts: {} }))
  has(text, 'By hour   nothing yet')
  has(text, 'Refused today: none')
  assert.not(text.includes('raised'))
  assert.not(text.includes('Cut off'))
})

test('the hours are drawn until now, the largest with a whole bar', () => {
  const text = budgetText(viewOf(busySource()))
  const hours = text.split('\n').filter((line) => /^ {2}\d\d\b/.test(line))
  assert.is(hours.length, 15)
  has(hours[14] ?? '', `${'█'.repeat(24)}   0.0860  34 calls`)
  assert.is(bar(0), ' '.repeat(24))
  assert.is(bar(1e-9).trim(), '▏')
  assert.is(bar(0.5).trim(), '█'.repeat(12))
})

test('tomorrow is bounded by what the month leaves, and a new month begins anew', () => {
  const poor = busySource({ month: row(19_700_000_000) })
  assert.is(viewOf(poor).tomorrowNano, 100_000_000)
  const window = { ...poor.window, daysLeft: 1 }
  assert.is(viewOf({ ...poor, window }).tomorrowNano, 1_000_000_000)
})

test('the curve ends at what is booked, and the pacing line at the cap', () => {
  const view = viewOf(busySource())
  assert.is(view.curve.length, 15)
  assert.is(view.curve.at(-1), view.bookedNano)
  assert.is(view.pace.at(0), view.capNano * 0.15)
  assert.is(view.pace.at(24), view.capNano)
})

test('the picture stands alone, in light and in dark, and escapes what it says', () => {
  const svg = budgetSvg(viewOf({ ...busySource(), timeZone: 'Europe/Paris', currency: '<b>"' }))
  assert.ok(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"'))
  has(svg, 'prefers-color-scheme: dark')
  has(svg, '<title id="t">Budget of 2026-11-24, 14:30 Europe/Paris</title>')
  has(svg, '&lt;b&gt;&quot;')
  assert.not(/NaN|undefined|Infinity|<b>|href|<script/.test(svg))
  has(svg, 'class="pace"')
  assert.not(budgetSvg(viewOf({ ...busySource(), pacing: false })).includes('class="pace"'))
})

test('a picture of nothing has a scale all the same', () => {
  const svg = budgetSvg(viewOf(busySource({ capNano: 0, spent: row(0), hours: [] })))
  assert.not(/NaN|Infinity/.test(svg))
  assert.is(niceTop(1_500_000_000), 2_000_000_000)
  assert.is(niceTop(1_000_000_000), 2_000_000_000)
})

test('amounts have as many decimals as they need', () => {
  assert.equal([0, 1_000_000_000, 1_234_567_890, 50_000].map(amount), ['0.00', '1.00', '1.2346', '0.0001'])
})

test('flags are read, or refused with every mistake', () => {
  const all = readBudgetFlags(['--svg', 'day.svg', '--raise', '0.50', '--resume', '--json', '--init'])
  assert.equal(all, { kind: 'run', svg: 'day.svg', raiseNano: 500_000_000, resume: true, json: true, init: true })
  assert.is(readBudgetFlags(['--help']).kind, 'help')
  for (const raise of ['0', '-1', '1e3', 'x', '0,5', '100001', 'Infinity', '']) {
    assert.is(readBudgetFlags([`--raise=${raise}`]).kind, 'wrong', raise)
  }
  for (const args of [['--what'], ['day'], ['--svg'], ['--svg=']]) assert.is(readBudgetFlags(args).kind, 'wrong')
  const both = readBudgetFlags(['--raise=x', '--svg='])
  assert.is(both.kind === 'wrong' && both.mistakes.length, 2)
})

test.run()
