import { test } from 'uvu'
import { scenarioNames } from '../../emulator/order.ts'
import { until } from '../attacks/target.ts'
import { visit } from '../attacks/visitor.ts'
import { buildApp } from '../helpers/built-app.ts'
import { longForm } from '../helpers/trial.ts'
import { asksOnce, type Got } from './asked-once.ts'
import { fault, leave, servesNext, times } from './fault.ts'
import { type FaultyTarget, openFaulty } from './faulty.ts'

const app = buildApp()
/** Short enough that an upstream which says nothing doesn't hold up the rest. */
const IMPATIENT = { FIRST_CHUNK_TIMEOUT_MS: '400', CHUNK_TIMEOUT_MS: '200', ANSWER_TIMEOUT_MS: '5000' }

const endings = (got: Got): string => {
  if (!('end' in got)) return 'sent away'
  return got.end?.type === 'error' ? got.end.code : String(got.end?.reason)
}

/** Also when somebody hangs up in the middle of it, nothing may be left of it. */
async function hangsUp(target: FaultyTarget, name: string): Promise<void> {
  const visitor = await visit(target)
  visitor.socket.say({ type: 'ask', id: `left-${name}`, text: 'Combien ?' })
  await visitor.socket.next(({ payload }) => /"type":"(start|error)"/.test(payload.toString()))
  leave(visitor)
}

const play = (fallback: string) =>
  fault(
    `every scenario of the upstream, with KNOWLEDGE_FALLBACK=${fallback}`,
    async () => openFaulty({ app: await app, env: { ...IMPATIENT, KNOWLEDGE_FALLBACK: fallback } }),
    async (target, toll) => {
      const first = await visit(target)
      const { session } = first.welcome
      leave(first)
      for (let round = 0; round < times(1, 10); round++)
        for (const name of scenarioNames) {
          const before = await books(target)
          target.emulator.setScenario({ name, retryDelaySeconds: 0.1, delayMs: 100 })
          const got = await asksOnce(target, session, `${name}-${round}`, toll)
          const end = endings(got)
          if (!/^(complete|length|filtered|interrupted|model_unavailable)$/.test(end)) toll.lost(`${name}: ${end}`)
          if (fallback === 'on' && end === 'model_unavailable') toll.lost(`${name}: no answer from the notes`)
          await hangsUp(target, `${name}-${round}`)
          const after = await books(target)
          const booked = after.booked - before.booked
          if (booked < after.billed - before.billed && name !== 'overrun') toll.lost(`${name}: billed and not booked`)
          target.emulator.setScenario(null)
          // Google has broken its word: admission halts until the admin has seen it.
          if (name === 'overrun') await target.budget('--resume')
          await servesNext(target, `after-${name}-${round}`)
        }
    },
  )

/** What is booked and what is billed, in nano-currency, once the cost of each answer is known. */
async function books(target: FaultyTarget) {
  let booked = 0
  await until(async () => {
    const { value } = await target.exposed()
    const of = (name: string) => (value(`le_mecano_budget_${name}_currency_units`) ?? 0) * 1e9
    booked = Math.round(of('spent') + of('held'))
    return value('le_mecano_holds', 'state="open"') === 0
  })
  return { booked, billed: target.billedNano() }
}

for (const fallback of longForm ? ['off', 'on'] : ['off']) play(fallback)

test('the built copy is removed', async () => (await app).remove())

test.run()
