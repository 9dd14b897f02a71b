import type { DiaryStore } from '../diary.ts'
import { oldestDay } from '../diary.ts'
import type { Prepare, Run } from './sqlite-rows.ts'
import { integer, pages } from './sqlite-rows.ts'

/** The diary in one table, under keys such as `2026-01-15 refused:pace`. */
export async function sqliteDiary(prepare: Prepare, run: Run): Promise<DiaryStore> {
  const add = await prepare(
    'INSERT INTO diary VALUES (?, ?) ON CONFLICT DO UPDATE SET count = diary.count + excluded.count',
  )
  const next = await prepare('SELECT * FROM diary WHERE key > ? AND key < ? ORDER BY key LIMIT 1')
  const prune = await prepare('DELETE FROM diary WHERE key < ?')
  return {
    add: (day, counts) =>
      run(false, () => {
        for (const [name, n] of Object.entries(counts)) add.run(`${day} ${name}`, n)
        prune.run(oldestDay(day))
      }),
    async read(day) {
      const front = `${day} `
      const rows = await run(false, () => pages(next, 'key', front, (row) => integer(row, 'count')))
      return Object.fromEntries(rows.map(([key, n]) => [key.slice(front.length), n]))
    },
  }
}
