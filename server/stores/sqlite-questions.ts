import { MOST_QUESTIONS, type QuestionStore } from '../chat/ports.ts'
import type { Clock } from '../clock.ts'
import type { Prepare, Run } from './sqlite-rows.ts'
import { bytes, integer } from './sqlite-rows.ts'

/** Questions for the report, one row each. */
export async function sqliteQuestions(prepare: Prepare, run: Run, clock: Clock): Promise<QuestionStore> {
  const count = await prepare('SELECT count(*) AS n FROM questions')
  const keep = await prepare('INSERT INTO questions (owner, at, expires, blob) VALUES (?, ?, ?, ?)')
  const next = await prepare(
    'SELECT * FROM questions WHERE at >= ? AND at < ? AND expires > ? AND n > ? ORDER BY n LIMIT 1',
  )
  const erase = await prepare('DELETE FROM questions WHERE owner = ?')
  const sweep = await prepare('DELETE FROM questions WHERE expires <= ?')
  return {
    keep: ({ owner, at, expiresAt, blob }) =>
      run(false, () => {
        if (integer(count.get(), 'n') < MOST_QUESTIONS) keep.run(owner, at, expiresAt, blob)
      }),
    between: (from, to) =>
      run(false, () => {
        const found: Uint8Array[] = []
        const after = (n: number) => next.get(from, to, clock.now(), n)
        for (let row = after(0); row !== undefined; row = after(integer(row, 'n'))) found.push(bytes(row, 'blob'))
        return found
      }),
    // Durable, as all that a visitor has erased.
    erase: (owner) => run(true, () => void erase.run(owner)),
    sweep: (now) => run(false, () => void sweep.run(now)),
  }
}
