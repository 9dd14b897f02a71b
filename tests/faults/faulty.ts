import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTarget, type Target, type TargetOptions } from '../attacks/target.ts'

/**
 * What happens at the points that the server's drivers pass from now on: at number `at` (from 0) and, where a call fails,
 * at the `times - 1` that follow. `kinds` leaves out all other points. `lose`: Redis does it, and its answer is lost.
 */
export type FaultOrder = {
  does: 'kill' | 'block' | 'fail' | 'lose' | 'note'
  at?: number
  times?: number
  kinds?: readonly string[]
  ms?: number
  /** What a failing call of SQLite reports (SQLITE_IOERR). */
  code?: string
}
/** A target whose drivers can be made to fail. */
export type FaultyTarget = Target & {
  /** `null`: nothing happens any more. */
  order(order: FaultOrder | null): void
  /** The names of the points that were passed since a `note` was ordered, or of the one that was the end of it. */
  points(): string[]
}

const POINTS = new URL('./fault-points.mjs', import.meta.url).href

export async function openFaulty(options: TargetOptions = {}): Promise<FaultyTarget> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'le-mecano-faulty-')))
  const file = join(dir, 'fault')
  let id = 0
  const order = (order: FaultOrder | null) => {
    id += 1
    rmSync(`${file}.points`, { force: true })
    // Whole or not at all: it may be read at any moment.
    writeFileSync(`${file}.new`, JSON.stringify({ ...order, id }))
    renameSync(`${file}.new`, file)
  }
  order(null)
  const target = await openTarget({
    ...options,
    dir,
    preload: [...(options.preload ?? []), POINTS],
    env: { FAULT_FILE: file, ...options.env },
  })
  return Object.assign(target, {
    order,
    points: () => readFileSync(`${file}.points`, 'utf8').split('\n').slice(0, -1),
    close: closing(target, options.dir === undefined ? dir : undefined),
  })
}

const closing =
  ({ close }: Target, dir: string | undefined) =>
  async (): Promise<void> => {
    await close()
    if (dir !== undefined) await rm(dir, { recursive: true, force: true })
  }
