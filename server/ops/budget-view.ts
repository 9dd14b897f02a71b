import type { DayCounts } from '../diary.ts'
import { fairCaps } from '../quota/fairness.ts'
import type { Caps, Report } from '../quota/ledger.ts'
import { capOn } from '../quota/ledger.ts'
import type { Window } from '../quota/windows.ts'
import { elapsedOf } from '../quota/windows.ts'
import { type Refusal, refusalsOf } from './refusals.ts'

/** What the picture of a budget is made from. Times are epoch ms, amounts nano-currency; `counts` are the day's. */
export type BudgetSource = {
  report: Report
  window: Window
  at: number
  timeZone: string
  caps: Caps
  share: number
  pacing: boolean
  currency: string
  counts: DayCounts
}

/** A source with what follows from it. `pace` is what is released at each hour's beginning, 0 to 24. */
export type BudgetView = BudgetSource & {
  capNano: number
  bookedNano: number
  leftNano: number
  releasedNano: number
  shareNano: number
  tomorrowNano: number
  pace: readonly number[]
  /** Booked by the end of each hour that has begun. */
  curve: readonly number[]
  /** 0 to 24: like the ledger's, these hours are 24ths of the day, also where clocks change. */
  hourNow: number
  lost: { count: number; nano: number; processes: number }
  open: { count: number; nano: number }
  refusals: readonly Refusal[]
  /** Answers that the server's filter or the model's own safety cut off. */
  filtered: number
}

/** Adds what follows from a report: what is left, released and lost, and what tomorrow allows. */
export function viewOf(source: BudgetSource): BudgetView {
  const { report, window, at, share } = source
  const { capNano } = report
  const bookedNano = report.spent.spent + report.spent.held
  const elapsed = elapsedOf(window, at)
  const hourNow = elapsed * 24
  const lost = report.holds.filter((hold) => hold.lost)
  const open = report.holds.filter((hold) => !hold.lost)
  return {
    ...source,
    capNano,
    bookedNano,
    leftNano: Math.max(0, capNano - bookedNano),
    releasedNano: releasedAt(source, elapsed),
    shareNano: Math.floor(capNano * share),
    tomorrowNano: tomorrow(source),
    pace: Array.from({ length: 25 }, (_, hour) => releasedAt(source, hour / 24)),
    curve: curveOf({ ...source, hourNow }),
    hourNow,
    lost: { count: lost.length, nano: sum(lost), processes: new Set(lost.map(({ owner }) => owner)).size },
    open: { count: open.length, nano: sum(open) },
    refusals: refusalsOf(source.counts),
    filtered: source.counts['ended:filtered'] ?? 0,
  }
}

const releasedAt = ({ report, share, pacing }: BudgetSource, elapsed: number): number =>
  fairCaps({ elapsed, dayCapNano: report.capNano, share, pacing, established: true }).releasedNano

/** The cap of the next day if nothing more is spent today; a new month begins with its own budget. */
function tomorrow({ report, window, caps }: BudgetSource): number {
  if (window.daysLeft > 1) return capOn(caps, window.daysLeft - 1, report.month.spent + report.month.held, 0)
  const [year = 0, month = 0] = window.month.split('-').map(Number)
  const days = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  return capOn(caps, days, 0, 0)
}

function curveOf({ report, hourNow }: BudgetSource & { hourNow: number }): number[] {
  const begun = Math.min(24, Math.floor(hourNow) + 1)
  let booked = 0
  return report.hours.slice(0, begun).map(({ row }) => {
    booked += row.spent + row.held
    return booked
  })
}

const sum = (holds: readonly { nano: number }[]): number => holds.reduce((total, { nano }) => total + nano, 0)
