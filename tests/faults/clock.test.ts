import { test } from 'uvu'
import { DEAR, keepsTo, spend } from '../attacks/budget.ts'
import { saidOf, visit } from '../attacks/visitor.ts'
import { buildApp } from '../helpers/built-app.ts'
import { type FaultToll, fault, leave, servesNext, times } from './fault.ts'
import { type FaultyTarget, openFaulty } from './faulty.ts'
import { CHUNKS, isWhole } from './outage.ts'

const app = buildApp()
const CAP = 0.02
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** The clock jumps while an answer is on its way: it ends whole, and nothing is paid before the admin accepts the clock. */
async function jump(target: FaultyTarget, ms: number, toll: FaultToll): Promise<void> {
  const { emulator } = target
  emulator.setScenario({ name: 'ok', gated: true, chunks: CHUNKS })
  const visitor = await visit(target)
  visitor.socket.say({ type: 'ask', id: 'q', text: 'Combien ?' })
  await visitor.next('start')
  emulator.release(1)
  target.shift(ms)
  emulator.release(CHUNKS.length)
  const said = await saidOf(visitor.socket, 'q')
  toll.tried()
  if (!isWhole({ ...said, started: true })) toll.lost(`${ms}: ${JSON.stringify(said)}`)
  emulator.setScenario({ name: 'ok', chunks: CHUNKS })
  const { requests } = emulator.ledger()
  for (let n = 0; n < 3; n++) {
    // Set back, a clock leaves buckets empty; they fill again at once.
    for (let tries = 0; tries < 3; tries++) {
      const end = await visitor.ask(`halted${n}`)
      toll.tried()
      if (end?.type === 'error' && end.code === 'budget_exhausted') break
      if (tries === 2 || end?.type !== 'error' || end.code !== 'rate_limited')
        toll.lost(`${ms}: ${JSON.stringify(end)}`)
    }
  }
  if (emulator.ledger().requests > requests) toll.lost(`${ms}: a call after the jump`)
  leave(visitor)
  if (!(await target.budget('--resume')).includes('admitted again')) toll.lost(`${ms}: nothing was halted`)
  await servesNext(target, `after${ms}`)
}

fault(
  'the clock jumps by hours and days, to and fro',
  async () => openFaulty({ app: await app, clockMs: 0 }),
  async (target, toll) => {
    for (let round = 0; round < times(1, 5); round++)
      for (const ms of [HOUR, 0, -HOUR, 0, DAY, 0, -DAY, 400 * DAY, 0]) await jump(target, ms, toll)
  },
)

/** Nights on which Paris changes its clocks, each with moments of one day, and one of the next. */
const NIGHTS = [
  ['2027-03-28T00:30Z', '2027-03-28T01:05Z', '2027-03-28T21:55Z', '2027-03-28T22:05Z'],
  ['2027-10-31T00:30Z', '2027-10-31T01:30Z', '2027-10-31T22:55Z', '2027-10-31T23:05Z'],
]
const from = (moment: string): number => Date.parse(moment) - Date.now()

fault(
  'days of 23 and of 25 hours',
  async () => openFaulty({ app: await app, clockMs: from('2027-03-27T12:00Z'), env: { BUDGET_PER_DAY: String(CAP) } }),
  async (target, toll) => {
    target.emulator.setScenario(DEAR)
    let days = 1
    for (const moments of NIGHTS) {
      days++
      for (const [n, moment] of moments.entries()) {
        target.shift(from(moment))
        await target.restart()
        const visitor = await visit(target)
        const answers = await spend(visitor, toll, 100, `n${n}-`)
        leave(visitor)
        if (n === moments.length - 1) days++
        if (answers > 0 !== (n === 0 || n === moments.length - 1)) toll.lost(`${answers} answers at ${moment}`)
        keepsTo(target, toll, CAP, days)
      }
    }
    target.shift(from('2027-11-05T12:00Z'))
    target.emulator.setScenario(null)
    await target.restart()
  },
)

test('the built copy is removed', async () => (await app).remove())

test.run()
