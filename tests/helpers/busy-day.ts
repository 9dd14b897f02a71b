import type { DayCounts } from '../../server/diary.ts'
import { stepOf } from '../../server/ops/diary-times.ts'
import type { ReportSource } from '../../server/ops/report-view.ts'
import { EMPTY_ROW } from '../../server/quota/ledger.ts'
import { row } from './budget-report.ts'

const ASKED = [0, 0, 0, 0, 0, 0, 0, 2, 6, 14, 22, 25, 18, 9, 21, 27, 30, 24, 12, 6, 3, 2, 1, 0]

/** A day of the shop with a bit of everything. */
export const busyCounts: DayCounts = {
  visits: 143,
  returns: 31,
  connections: 190,
  ...Object.fromEntries(ASKED.flatMap((n, hour) => (n > 0 ? [[`asked@${hour}`, n]] : []))),
  'answered:model': 171,
  'answered:knowledge': 33,
  'ended:complete': 190,
  'ended:stopped': 9,
  'ended:length': 5,
  'instead:pace': 30,
  'instead:network': 3,
  'refused:asks': 14,
  'refused:proof_required': 4,
  'message:too_long': 2,
  'upgrade:origin': 6,
  'failure:network': 3,
  'failure:first_chunk_timeout': 1,
  [`first:${stepOf(610)}`]: 120,
  [`first:${stepOf(1900)}`]: 51,
  [`whole:${stepOf(3200)}`]: 150,
  [`whole:${stepOf(12_000)}`]: 21,
  calls: 178,
  'tokens:prompt': 512_300,
  'tokens:output': 38_411,
  'proof:asked': 4,
  'proof:solved': 3,
  'proof:rejected': 1,
  store_failures: 2,
}

export function busyDay(changes: Partial<ReportSource> = {}): ReportSource {
  const hours = ASKED.map((n, hour) => ({ hour, row: n > 0 ? row(n * 1_900_000, 0, n) : EMPTY_ROW }))
  const spent = hours.reduce((sum, { row }) => sum + row.spent, 0)
  return {
    day: '2026-11-24',
    timeZone: 'Europe/Paris',
    currency: 'USD',
    book: { sums: row(spent, 0, 178, 38_411), capNano: 1e9, raisedNano: 0, beforeNano: 6_200_000_000, hours },
    counts: busyCounts,
    questions: undefined,
    ...changes,
  }
}

export const emptyDay = (): ReportSource => ({
  ...busyDay(),
  counts: {},
  book: {
    sums: EMPTY_ROW,
    capNano: 1e9,
    raisedNano: 0,
    beforeNano: 0,
    hours: Array.from({ length: 24 }, (_, hour) => ({ hour, row: EMPTY_ROW })),
  },
})
