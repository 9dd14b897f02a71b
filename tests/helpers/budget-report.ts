import type { BudgetSource } from '../../server/ops/budget-view.ts'
import type { Report, ScopeRow } from '../../server/quota/ledger.ts'
import { windows } from '../../server/quota/windows.ts'

export const row = (spent: number, held = 0, requests = 0, outputTokens = 0): ScopeRow => ({
  spent,
  held,
  requests,
  outputTokens,
})

const HALTED_AT = Date.UTC(2026, 10, 24, 8, 12)

/** A day in Paris at 14:30, with a bit of everything; `changes` replace parts of the report. */
export function busySource(changes: Partial<Report> = {}): BudgetSource {
  const at = Date.UTC(2026, 10, 24, 13, 30)
  const hours = Array.from({ length: 24 }, (_, hour) => ({
    hour,
    row: hour >= 9 && hour <= 14 ? row(60_000_000 + hour * 1_000_000, hour === 14 ? 12_000_000 : 0, 20 + hour) : row(0),
  }))
  const report: Report = {
    day: '2026-11-24',
    spent: row(429_000_000, 12_000_000, 189, 38_411),
    capNano: 1_500_000_000,
    month: row(6_200_000_000, 12_000_000, 4000),
    halted: undefined,
    raisedNano: 500_000_000,
    hours,
    addresses: [
      { key: 'a8f3c2d19e7b4455', row: row(41_200_000, 0, 21) },
      { key: '0b1c', row: row(2_000_000, 0, 1) },
    ],
    holds: [
      { id: 'h1', owner: 'dead', day: '2026-11-24', nano: 4_000_000, lost: true },
      { id: 'h2', owner: 'dead', day: '2026-11-24', nano: 5_000_000, lost: true },
      { id: 'h3', owner: 'alive', day: '2026-11-24', nano: 3_000_000, lost: false },
    ],
    events: [
      { at: HALTED_AT, kind: 'halt', detail: 'overrun' },
      { at: HALTED_AT + 60_000, kind: 'resume', detail: 'overrun' },
      { at: HALTED_AT + 120_000, kind: 'raise', detail: '2026-11-24 500000000' },
    ],
    rush: undefined,
    ...changes,
  }
  const counts = {
    'refused:pace': 3,
    'instead:pace': 30,
    'instead:day': 1200,
    'refused:asks': 7,
    asked: 9,
    'instead:network': 4,
    'ended:filtered': 2,
  }
  const caps = { dayNano: 1_000_000_000, monthNano: 20_000_000_000 }
  const window = windows('Europe/Paris')(at)
  return { report, window, at, timeZone: 'Europe/Paris', caps, share: 0.05, pacing: true, currency: 'USD', counts }
}
