import type { DayCounts } from '../diary.ts'
import type { DayBook } from '../quota/ledger.ts'
import { percentileOf } from './diary-times.ts'
import { type Refusal, refusalsOf } from './refusals.ts'

/** What a day's report is made from. `questions` undefined: they are not kept. Amounts are nano-currency. */
export type ReportSource = {
  day: string
  timeZone: string
  currency: string
  book: DayBook
  counts: DayCounts
  questions: readonly string[] | undefined
}
export type Count = { name: string; count: number }
/** Times in ms; undefined: nothing was timed. */
export type Times = { median: number | undefined; p95: number | undefined }

/** A day as the report tells it; lists have the largest first. */
export type ReportView = ReportSource & {
  visits: number
  returns: number
  connections: number
  asked: number
  askedByHour: readonly number[]
  answers: readonly Count[]
  endings: readonly Count[]
  first: Times
  whole: Times
  spentNano: number
  costByHour: readonly number[]
  monthNano: number
  calls: number
  tokens: { prompt: number; output: number }
  refusals: readonly Refusal[]
  refused: number
  failures: readonly Count[]
  proofs: { asked: number; solved: number; rejected: number }
  storeFailures: number
}

export function reportOf(source: ReportSource): ReportView {
  const { book, counts } = source
  const of = (name: string): number => counts[name] ?? 0
  const askedByHour = Array.from({ length: 24 }, (_, hour) => of(`asked@${hour}`))
  const refusals = refusalsOf(counts)
  const booked = book.sums.spent + book.sums.held
  return {
    ...source,
    visits: of('visits'),
    returns: of('returns'),
    connections: of('connections'),
    asked: sum(askedByHour),
    askedByHour,
    answers: under(counts, 'answered:'),
    endings: under(counts, 'ended:'),
    first: timesOf(counts, 'first:'),
    whole: timesOf(counts, 'whole:'),
    spentNano: booked,
    costByHour: book.hours.map(({ row }) => row.spent + row.held),
    monthNano: book.beforeNano + booked,
    calls: of('calls'),
    tokens: { prompt: of('tokens:prompt'), output: of('tokens:output') },
    refusals,
    refused: sum(refusals.map(({ count }) => count)),
    failures: under(counts, 'failure:'),
    proofs: { asked: of('proof:asked'), solved: of('proof:solved'), rejected: of('proof:rejected') },
    storeFailures: of('store_failures'),
  }
}

const timesOf = (counts: DayCounts, front: string): Times => ({
  median: percentileOf(counts, front, 0.5),
  p95: percentileOf(counts, front, 0.95),
})

function under(counts: DayCounts, front: string): Count[] {
  return Object.entries(counts)
    .flatMap(([name, count]) => (name.startsWith(front) ? [{ name: name.slice(front.length), count }] : []))
    .sort((a, b) => b.count - a.count)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)
