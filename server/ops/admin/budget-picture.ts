import type { AdminBudget } from '../../../protocol/admin.ts'
import type { Clock } from '../../clock.ts'
import type { LedgerStore } from '../../quota/ledger.ts'
import { shortWindows } from '../../quota/short-days.ts'
import { windows } from '../../quota/windows.ts'
import { eventWords } from '../budget-text.ts'
import { type BudgetView, viewOf } from '../budget-view.ts'
import { haltReason } from '../budget-words.ts'
import { inTime } from '../in-time.ts'

export type BudgetPictureParts = {
  ledger: Pick<LedgerStore, 'report'>
  budget: {
    perDay: number
    perMonth: number
    timeZone: string
    sharePerAddress: number
    pacing: boolean
    daySeconds?: number
  }
  clock: Clock
}

const NANO = 1_000_000_000
const SHOWN_EVENTS = 20

/** The day's budget as a picture shows it. Undefined: the store is out of order or takes longer than 2 s; never rejects. */
export function budgetPicture({ ledger, budget, clock }: BudgetPictureParts): () => Promise<AdminBudget | undefined> {
  const windowAt = budget.daySeconds === undefined ? windows(budget.timeZone) : shortWindows(budget.daySeconds)
  const caps = { dayNano: Math.round(budget.perDay * NANO), monthNano: Math.round(budget.perMonth * NANO) }
  const read = async () => {
    const at = clock.now()
    const window = windowAt(at)
    const report = await ledger.report(window, caps)
    const { timeZone, sharePerAddress: share, pacing } = budget
    return pictureOf(viewOf({ report, window, at, timeZone, caps, share, pacing, currency: '', counts: {} }))
  }
  return () => inTime(clock, read())
}

/** Without addresses and names of processes, which are nobody's to see. */
function pictureOf(view: BudgetView): AdminBudget {
  const { report } = view
  return {
    day: report.day,
    hourNow: view.hourNow,
    spent: report.spent.spent / NANO,
    held: report.spent.held / NANO,
    cap: view.capNano / NANO,
    released: view.releasedNano / NANO,
    tomorrow: view.tomorrowNano / NANO,
    monthBooked: (report.month.spent + report.month.held) / NANO,
    monthCap: view.caps.monthNano / NANO,
    pace: view.pace.map((nano) => nano / NANO),
    curve: view.curve.map((nano) => nano / NANO),
    halted: report.halted === undefined ? null : haltReason(report.halted),
    openHolds: view.open.count,
    lostHolds: view.lost.count,
    rush: report.rush !== undefined && view.at < report.rush.until,
    events: report.events
      .slice(-SHOWN_EVENTS)
      .reverse()
      .map((event) => ({ at: event.at, kind: event.kind, text: eventWords(event) })),
  }
}
