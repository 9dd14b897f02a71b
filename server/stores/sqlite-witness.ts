import { readFile, rename, writeFile } from 'node:fs/promises'
import type { LedgerStore } from '../quota/ledger.ts'

/**
 * A small file beside the database that remembers how late it was there. A database that knows less is a backup that was
 * put back: what was spent since is in none of its sums, so it is halted until the admin accepts it.
 * A backup of the whole folder brings its witness along, and isn't seen.
 */
export type Witness = {
  /** Whether the database, which last heard of `seen` (epoch ms, 0: of nothing), is older than it was. */
  contradicts(seen: () => Promise<number>): Promise<boolean>
  /** The same ledger, and the witness hears what it hears. */
  beside(ledger: LedgerStore): LedgerStore
}

const fileOf = (database: string) => `${database}.seen`

/** From now on a database that last heard of less than `seen` (epoch ms) is one that was put back. */
export async function tellWitness(database: string, seen: number): Promise<void> {
  const fresh = `${fileOf(database)}.${process.pid}`
  await writeFile(fresh, String(seen), { mode: 0o600 })
  await rename(fresh, fileOf(database))
}

export function witnessOf(database: string, now: () => number): Witness {
  const file = fileOf(database)
  // It guards against a mistake; where it can't be written, money is as safe as before.
  const remember = (seen: number) => tellWitness(database, seen).catch(() => undefined)
  return {
    async contradicts(seen) {
      // The witness first: it hears after the database, and other processes go on while this one looks.
      const told = (await readFile(file, 'utf8').catch(() => '')).trim()
      return /^\d{1,15}$/.test(told) && Number(told) > (await seen())
    },
    beside: (ledger) => ({
      ...ledger,
      async beat(beat) {
        const answer = await ledger.beat(beat)
        await remember(Math.max(answer.lastAt, beat.at))
        return answer
      },
      async resume(window) {
        // Taken before, so that the database never knows of less than its witness.
        const at = now()
        await ledger.resume(window)
        await remember(at)
      },
    }),
  }
}
