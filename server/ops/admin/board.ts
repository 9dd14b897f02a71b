import type {
  AdminBudget,
  AdminFigures,
  AdminHistory,
  AdminSample,
  AdminServerMessage,
} from '../../../protocol/admin.ts'
import type { Clock } from '../../clock.ts'
import { createHistory } from './history.ts'
import type { Tally } from './tally.ts'

export type BoardParts = {
  clock: Clock
  tally: Tally
  live(): { connections: number; streams: number }
  process(): AdminFigures['process']
  /** Never rejects; undefined: the store does not tell. */
  budget(): Promise<AdminBudget | undefined>
}
type Told = Extract<AdminServerMessage, { type: 'figures' | 'budget' }>
/** What the status page shows. The store is asked only while somebody watches. */
export type Board = {
  history(): AdminHistory
  /** Tells what is known at once, then all that is new; returns the end of that. */
  watch(tell: (message: Told) => void): () => void
  close(): void
}

export const EVERY_MS = 2000
const KEPT = 1800
const BUDGET_EVERY = 5

/** Takes a sample every 2 s, for an hour, until it is closed. */
export function createBoard({ clock, tally, live, process, budget }: BoardParts): Board {
  const history = createHistory(KEPT)
  const watchers = new Set<(message: Told) => void>()
  let ticks = 0
  let asking = false
  const tellAll = (message: Told) => {
    for (const tell of watchers) tell(message)
  }
  const sample = (): AdminSample => {
    const { p50, p95 } = tally.firstText()
    return { at: clock.now(), ...live(), ...tally.rates(), firstP50: p50, firstP95: p95 }
  }
  const figures = (now: AdminSample): Told => ({
    type: 'figures',
    figures: { now, ...tally.figures(), process: process() },
  })
  const askBudget = async () => {
    if (asking) return
    asking = true
    const read = await budget()
    asking = false
    tellAll({ type: 'budget', budget: read ?? null })
  }
  const tick = () => {
    cancel = clock.after(EVERY_MS, tick)
    const now = sample()
    history.add(now)
    ticks++
    if (watchers.size === 0) return
    tellAll(figures(now))
    if (ticks % BUDGET_EVERY === 0) void askBudget()
  }
  let cancel = clock.after(EVERY_MS, tick)
  return {
    history: history.columns,
    watch(tell) {
      watchers.add(tell)
      tell(figures(sample()))
      void askBudget()
      return () => watchers.delete(tell)
    },
    close() {
      cancel()
      watchers.clear()
    },
  }
}
