import { amount, percent, refusalReason } from './budget-words.ts'
import type { Count, ReportView, Times } from './report-view.ts'

/** One part of a report: what is counted, and how it is told; `share` in [0, 1] draws a bar. */
export type Row = { label: string; value: string; share?: number }
export type Part = { title: string; rows: readonly Row[]; none: string }

const SOURCES = new Map([
  ['model', 'by the model'],
  ['knowledge', 'by the shop’s notes'],
  ['demo', 'by the demonstration'],
])
const ENDINGS = new Map([
  ['complete', 'whole'],
  ['length', 'cut at the longest length'],
  ['filtered', 'stopped by the filter'],
  ['stopped', 'stopped by the visitor'],
  ['interrupted', 'interrupted'],
])

/** Milliseconds as people read them: 840 ms, 2.4 s. */
export function time(ms: number | undefined): string {
  if (ms === undefined) return '–'
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
}

export const money = (view: ReportView, nano: number): string =>
  `${amount(nano)}${view.currency && ` ${view.currency}`}`

/** The figures that come first. */
export function headline(view: ReportView): readonly Row[] {
  const notes = view.answers.find(({ name }) => name === 'knowledge')?.count ?? 0
  return [
    { label: 'visitors', value: plain(view.visits) },
    { label: 'questions', value: plain(view.asked) },
    { label: 'answered by notes', value: plain(notes) },
    { label: 'first words, median', value: time(view.first.median) },
    { label: 'spent', value: money(view, view.spentNano) },
    { label: 'refused', value: plain(view.refused) },
  ]
}

/** Everything else, in the order of the report. */
export function partsOf(view: ReportView): readonly Part[] {
  return [
    { title: 'Visitors', rows: visitors(view), none: '' },
    { title: 'Answers', rows: named(view.answers, SOURCES), none: 'No question was answered.' },
    { title: 'How answers ended', rows: named(view.endings, ENDINGS), none: 'None was begun.' },
    { title: 'Times', rows: times(view), none: '' },
    { title: 'Money', rows: cost(view), none: '' },
    { title: 'Refused', rows: shares(view.refusals.map((each) => [refusalReason(each), each.count])), none: 'Nobody.' },
    { title: 'Failures of the model', rows: failures(view), none: 'None.' },
  ]
}

const visitors = (view: ReportView): Row[] => [
  { label: 'new conversations', value: plain(view.visits) },
  { label: 'taken up again (a reload, a dropped network)', value: plain(view.returns) },
  { label: 'connections', value: plain(view.connections) },
]

const named = (counts: readonly Count[], names: ReadonlyMap<string, string>): Row[] =>
  shares(counts.map(({ name, count }) => [names.get(name) ?? name.replaceAll('_', ' '), count]))

const times = ({ first, whole }: ReportView): Row[] => [
  { label: 'to the first words', value: both(first) },
  { label: 'to the end', value: both(whole) },
]
const both = ({ median, p95 }: Times): string =>
  median === undefined ? 'nothing was timed' : `${time(median)} in the middle, ${time(p95)} at 95 %`

function cost(view: ReportView): Row[] {
  const { book, tokens, calls } = view
  return [
    {
      label: 'spent',
      value: `${money(view, view.spentNano)} of ${money(view, book.capNano)} (${percent(view.spentNano, book.capNano)})`,
    },
    ...(book.raisedNano > 0 ? [{ label: 'raised by the admin', value: money(view, book.raisedNano) }] : []),
    { label: 'this month until then', value: money(view, view.monthNano) },
    { label: 'calls of the model', value: plain(calls) },
    { label: 'tokens read and written', value: `${plain(tokens.prompt)} and ${plain(tokens.output)}` },
  ]
}

function failures({ failures, storeFailures, proofs }: ReportView): Row[] {
  const rows = named(failures, new Map())
  if (storeFailures > 0) rows.push({ label: 'the store did not answer', value: plain(storeFailures) })
  if (proofs.rejected > 0) rows.push({ label: 'proofs of work that were none', value: plain(proofs.rejected) })
  return rows
}

function shares(counted: readonly (readonly [string, number])[]): Row[] {
  const most = Math.max(...counted.map(([, n]) => n))
  return counted.map(([label, n]) => ({ label, value: plain(n), share: n / most }))
}

const plain = (n: number): string => n.toLocaleString('en-US')
