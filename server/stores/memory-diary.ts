import type { DiaryStore } from '../diary.ts'
import { oldestDay } from '../diary.ts'

/** A diary that is forgotten at exit. `assertOpen` throws once the store is closed. */
export function memoryDiary(assertOpen: () => void): DiaryStore {
  const days = new Map<string, Map<string, number>>()
  return {
    async add(day, counts) {
      assertOpen()
      const known = days.get(day) ?? new Map<string, number>()
      days.set(day, known)
      for (const [name, n] of Object.entries(counts)) known.set(name, (known.get(name) ?? 0) + n)
      for (const each of days.keys()) if (each < oldestDay(day)) days.delete(each)
    },
    async read(day) {
      assertOpen()
      return Object.fromEntries(days.get(day) ?? [])
    },
  }
}
