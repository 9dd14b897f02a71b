import { test } from 'uvu'
import { type Target, until } from '../attacks/target.ts'
import { type Visitor, visit } from '../attacks/visitor.ts'
import { judge, type Toll, type Trial } from '../helpers/trial.ts'

export { type Toll, times } from '../helpers/trial.ts'

/** What a server at rest holds: file descriptors, holds of the store, its own timers, connections, streams, sessions. */
const HELD = ['descriptors', 'holds', 'timers', 'connections', 'streams', 'sessions'] as const
export type Held = Record<(typeof HELD)[number], number>
/** One line of the report of `npm run faults`. */
export type Row = Trial & { before: Held; after: Held }
export type FaultToll = Toll & {
  /** So many more holds stay open: their process was killed, and they count as spent. */
  leaves(holds: number): void
  /** How many that are by now. */
  readonly left: number
}

/** From the 500th transaction on, SQLite's file and its log are open once more, for checkpoints. */
const CHECKPOINTER = 2

/**
 * A test on a server of its own: `run` does the harm and counts. Before and after it a visitor is served and leaves; what
 * the server then holds is compared, and its log must know of no throw that nobody caught.
 */
export function fault<T extends Target>(
  title: string,
  open: () => Promise<T>,
  run: (target: T, toll: FaultToll) => Promise<void>,
): void {
  test(title, async () => {
    const target = await open()
    try {
      await endure(title, target, run)
    } finally {
      await target.close()
    }
  })
}

async function endure<T extends Target>(
  title: string,
  target: T,
  run: (target: T, toll: FaultToll) => Promise<void>,
): Promise<void> {
  let left = 0
  await servesNext(target, 'before')
  const before = await heldAtRest(target, () => true)
  let after = before
  const play = async (toll: Toll) => {
    await run(target, {
      ...toll,
      leaves(holds) {
        left += holds
      },
      get left() {
        return left
      },
    })
    await servesNext(target, 'after')
    const most = { ...before, holds: before.holds + left, descriptors: before.descriptors + CHECKPOINTER }
    const over = (held: Held) => HELD.filter((each) => held[each] > most[each])
    after = await heldAtRest(target, (held) => over(held).length === 0)
    for (const each of over(after)) toll.lost(`${after[each]} ${each}, not ${most[each]}`)
    const uncaught = target.printed().split('\n').filter(isUncaught)
    if (uncaught.length > 0) toll.lost(uncaught.join('\n'), uncaught.length)
  }
  await judge(title, play, async () => ({ before, after }))
}

const isUncaught = (line: string) => /unhandled_rejection|uncaught_exception|Warning:/.test(line)

/** The next visitor is served from the model, whatever came before. */
export async function servesNext(target: Target, id: string): Promise<void> {
  const fail = (what: unknown): never => {
    throw new Error(`the visitor ${id}: ${what}\n${target.printed().slice(-3000)}`)
  }
  const visitor = await visit(target).catch(fail)
  const end = await visitor.ask(id)
  leave(visitor)
  if (end?.type !== 'done' || end.reason !== 'complete') fail(JSON.stringify(end))
}

export const leave = ({ socket }: Pick<Visitor, 'socket'>): void => socket.destroy()

/** Looks until nobody is connected and it `fits`; what it holds then, or at the last look. */
async function heldAtRest(target: Target, fits: (held: Held) => boolean): Promise<Held> {
  let held = await heldBy(target)
  await until(async () => {
    held = await heldBy(target)
    return held.connections + held.streams === 0 && fits(held)
  })
  return held
}

async function heldBy(target: Target): Promise<Held> {
  const { value } = await target.exposed()
  const live = (name: string, labels?: string) => value(`le_mecano_${name}`, labels) ?? 0
  return {
    descriptors: target.descriptors() ?? 0,
    holds: live('holds', 'state="open"') + live('holds', 'state="lost"'),
    timers: value('nodejs_active_resources', 'type="ServerTimer"') ?? 0,
    connections: live('connections'),
    streams: live('streams'),
    sessions: live('sessions'),
  }
}
