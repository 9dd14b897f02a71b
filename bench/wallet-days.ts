/**
 * One call as the upstream billed it: dispatched at `at`, for a question asked at `askedAt` (epoch ms), so that its
 * reserve lies between the two. `nano` in nano-currency.
 */
export type Bill = { askedAt: number; at: number; nano: number }
/** `overMidnight`: nano of questions asked the day before or earlier. `lastMs`: its last call, from its beginning. */
export type Day = { day: number; nano: number; calls: number; overMidnight: number; lastMs: number }
export type Verdict = { days: readonly Day[]; overshoot: number; utilisation: number }

/**
 * Judges the full days of `daySeconds` (whole UTC days cut evenly) between `from` and `to`: the largest part by which one
 * passed its cap, and the mean part that was used. A day's budget is that of the reserve, which the upstream can't see:
 * a question whose asking and billing lie on two days counts to the first one that has room, else to the last.
 */
export function judge(bills: readonly Bill[], capNano: number, daySeconds: number, from: number, to: number): Verdict {
  const lengthMs = daySeconds * 1000
  const dayOf = (ms: number) => Math.floor(ms / lengthMs)
  const rows = new Map<number, Day>()
  const rowOf = (day: number): Day => {
    const row = rows.get(day) ?? { day, nano: 0, calls: 0, overMidnight: 0, lastMs: 0 }
    rows.set(day, row)
    return row
  }
  const book = ({ at, nano }: Bill, day: number) => {
    const row = rowOf(day)
    row.nano += nano
    row.calls++
    row.lastMs = Math.max(row.lastMs, at - day * lengthMs)
  }
  const isCertain = ({ askedAt, at }: Bill) => dayOf(askedAt) === dayOf(at)
  for (const bill of bills.filter(isCertain)) book(bill, dayOf(bill.at))
  for (const bill of bills.filter((each) => !isCertain(each))) {
    let day = dayOf(bill.askedAt)
    while (day < dayOf(bill.at) && rowOf(day).nano + bill.nano > capNano) day++
    book(bill, day)
    rowOf(day).overMidnight += bill.nano
  }
  const first = Math.ceil(from / lengthMs)
  const days = Array.from({ length: dayOf(to) - first }, (_, i) => rowOf(first + i))
  return {
    days,
    overshoot: Math.max(0, ...days.map(({ nano }) => nano / capNano - 1)),
    utilisation: days.reduce((total, { nano }) => total + nano / capNano, 0) / days.length,
  }
}
