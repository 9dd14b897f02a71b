import type { Clock } from '../clock.ts'
import { fairCaps } from '../quota/fairness.ts'
import type { Caps, LedgerStore } from '../quota/ledger.ts'
import { shortWindows } from '../quota/short-days.ts'
import { elapsedOf, windows } from '../quota/windows.ts'
import { inTime } from './in-time.ts'

/** The wallet at one moment, in the currency of the prices; `spent`, `held`, `cap` and `released` are today's. */
export type BudgetReadings = {
  spent: number
  held: number
  cap: number
  released: number
  monthBooked: number
  monthCap: number
  halted: boolean
  openHolds: number
  lostHolds: number
}
export type BudgetReaderParts = {
  ledger: Pick<LedgerStore, 'snapshot' | 'holds'>
  budget: { perDay: number; perMonth: number; timeZone: string; pacing: boolean; daySeconds?: number }
  clock: Clock
}

const NANO = 1_000_000_000

/** Reads the wallet from the store. Undefined: the store is out of order or takes longer than 2 s; never rejects. */
export function budgetReader(parts: BudgetReaderParts): () => Promise<BudgetReadings | undefined> {
  const { clock, budget } = parts
  const windowAt = budget.daySeconds === undefined ? windows(budget.timeZone) : shortWindows(budget.daySeconds)
  const caps = { dayNano: Math.round(budget.perDay * NANO), monthNano: Math.round(budget.perMonth * NANO) }
  return () => inTime(clock, readAt(parts, windowAt(clock.now()), caps))
}

async function readAt(
  { ledger, budget, clock }: BudgetReaderParts,
  window: ReturnType<ReturnType<typeof windows>>,
  caps: Caps,
): Promise<BudgetReadings> {
  const [seen, holds] = await Promise.all([ledger.snapshot(window, caps), ledger.holds()])
  const elapsed = elapsedOf(window, clock.now())
  const asked = { elapsed, dayCapNano: seen.capNano, share: 1, pacing: budget.pacing, established: true }
  const lostHolds = holds.filter(({ lost }) => lost).length
  return {
    spent: seen.spent.spent / NANO,
    held: seen.spent.held / NANO,
    cap: seen.capNano / NANO,
    released: fairCaps(asked).releasedNano / NANO,
    monthBooked: (seen.month.spent + seen.month.held) / NANO,
    monthCap: caps.monthNano / NANO,
    halted: seen.halted !== undefined,
    openHolds: holds.length - lostHolds,
    lostHolds,
  }
}
