import type { Clock } from './clock.ts'
import type { House } from './compose.ts'
import type { Config } from './config.ts'
import type { BudgetReadings } from './ops/budget-readings.ts'
import { type Monitored, monitor } from './ops/pm2.ts'
import { type ActionChannel, type Actions, answerActions } from './ops/pm2-actions.ts'
import { amountInThree, countInThree } from './ops/pm2-values.ts'

export type ShownHouse = Pick<House, 'app' | 'demo' | 'store' | 'budget' | 'firstTokenMs'>
type Shown = { house: ShownHouse; config: Config; clock: Clock }

// The wallet's holds are counted in the store: not with every tick.
const TICKS_PER_BUDGET = 5

/** Shows the server to PM2, if that runs it: values for `pm2 monit` and `describe`, actions for `trigger`. Returns its end. */
export async function showToPm2(channel: ActionChannel, shown: Shown): Promise<() => void> {
  if (!channel.connected) return () => {}
  const { house, clock } = shown
  let budget = await house.budget()
  let ticks = 0
  answerActions(channel, clock, actionsOf(shown))
  return monitor(channel, clock, () => {
    ticks += 1
    // Beside the ticks, so that a slow store delays none.
    if (ticks % TICKS_PER_BUDGET === 0)
      void house.budget().then((now) => {
        budget = now
      })
    return valuesOf(shown, budget)
  })
}

/** The first four are what a small terminal shows; `pm2 describe` and `pm2 jlist` tell all. */
function valuesOf({ house, config }: Shown, budget: BudgetReadings | undefined): Monitored {
  const { app } = house
  const { connections, streams } = app
  const first = house.firstTokenMs()
  return {
    Connections: countInThree(connections),
    Streams: streams,
    'Budget left': budget ? amountInThree(leftOf(budget)) : '?',
    'Refused/min': countInThree(app.refusedPerMinute()),
    State: app.state,
    Load: `${connections} of ${config.maxConnections} connections, ${streams} of ${config.maxStreams} streams`,
    'First token p50': first === undefined ? 'none yet' : `${first} ms`,
    ...(budget && moneyOf(budget)),
    Store: budget ? house.store : `${house.store}, in trouble`,
    Mode: house.demo ? 'demo' : 'gemini',
    Model: config.gemini.model,
  }
}

const moneyOf = (budget: BudgetReadings) => ({
  'Left today': `${leftOf(budget).toFixed(4)} of ${budget.cap.toFixed(2)}`,
  'Left this month': `${Math.max(0, budget.monthCap - budget.monthBooked).toFixed(2)} of ${budget.monthCap.toFixed(2)}`,
  Holds: `${budget.openHolds} open, ${budget.lostHolds} lost`,
  Halted: budget.halted ? 'yes: npm run budget tells why' : 'no',
})

function actionsOf({ house, config }: Shown): Actions {
  const { app } = house
  const load = () => ({ state: app.state, connections: app.connections, streams: app.streams })
  return {
    /** Out of service, gently; the process stays until PM2 reloads, restarts or stops it. */
    drain() {
      void app.drain()
      return { ...load(), deadlineMs: config.drainMs, back: 'pm2 reload le-mecano' }
    },
    async budget() {
      const budget = await house.budget()
      return budget ? { left: round(leftOf(budget)), ...rounded(budget) } : { store: `${house.store}, in trouble` }
    },
    connections() {
      const { maxConnections, maxStreams } = config
      return { ...load(), maxConnections, maxStreams, refusedPerMinute: app.refusedPerMinute() }
    },
  }
}

const leftOf = ({ cap, spent, held }: BudgetReadings) => Math.max(0, cap - spent - held)
const round = (amount: number) => Math.round(amount * 1e6) / 1e6
const rounded = (budget: BudgetReadings) =>
  Object.fromEntries(
    Object.entries(budget).map(([name, value]) => [name, typeof value === 'number' ? round(value) : value]),
  )
