/**
 * Counts of a day by name, such as `refused:pace`, in whole numbers; every process on the store adds to the same ones.
 * Days are named YYYY-MM-DD and kept for DIARY_DAYS. Both calls reject when the store is out of order.
 */
export type DiaryStore = {
  add(day: string, counts: Readonly<Record<string, number>>): Promise<void>
  read(day: string): Promise<DayCounts>
}
export type DayCounts = Readonly<Record<string, number>>

export const DIARY_DAYS = 40
const DAY_MS = 86_400_000

/** The oldest day that is kept beside `day`. */
export const oldestDay = (day: string): string =>
  new Date(Date.parse(day.slice(0, 10)) - DIARY_DAYS * DAY_MS).toISOString().slice(0, 10)
