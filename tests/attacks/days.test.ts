import { test } from 'uvu'
import { windows } from '../../server/quota/windows.ts'
import { buildApp } from '../helpers/built-app.ts'
import { solveProof } from '../helpers/solve-proof.ts'
import { attackAlone, times } from './attack.ts'
import { CAP, DEAR, keepsTo, spend, withCap } from './budget.ts'
import { addressOf, endOf, visit } from './visitor.ts'

const app = buildApp()
const capped = withCap(app)

attackAlone(3, 'kill -9 in the middle of answers', capped(CAP / 5), async (target, toll) => {
  const { emulator } = target
  const kills = times(3, 20)
  for (let n = 0; n < kills; n++) {
    emulator.setScenario({ ...DEAR, gated: true })
    const before = emulator.ledger().requests
    const crowd = await Promise.all(Array.from({ length: 8 }, () => visit(target)))
    for (const { socket } of crowd) socket.say({ type: 'ask', id: 'q', text: 'Bonjour ?' })
    const refused = Promise.all(crowd.map(({ socket }) => endOf(socket, 'q')))
    // Either each has called, or the budget has refused some and the rest waits for words.
    await Promise.race([emulator.changed(({ requests }) => requests >= before + 8), refused, crowd[7]?.next('error')])
    await target.restart()
    toll.tried()
  }
  emulator.setScenario(DEAR)
  const last = await visit(target)
  await spend(last, toll, 100)
  keepsTo(target, toll, CAP / 5)
})

const HOUR = 3_600_000
/** Milliseconds from now to that hour of the next local day. */
const until = (hour: number) => windows('Europe/Paris')(Date.now()).endsAt - Date.now() + hour * HOUR

attackAlone(
  5,
  'spending across midnight, and setting the clock back',
  async () => capped(CAP / 10, { clockMs: until(0) - 60_000 })(),
  async (target, toll) => {
    target.emulator.setScenario(DEAR)
    const visitor = await visit(target)
    const evening = await spend(visitor, toll, 100, 'evening')
    keepsTo(target, toll, CAP / 10)
    target.shift(until(0) + 60_000)
    const morning = await spend(visitor, toll, 100, 'morning')
    keepsTo(target, toll, CAP / 10, 2)
    if (evening === 0 || morning === 0) toll.lost(`a day without an answer: ${evening}, ${morning}`)
    const { requests } = target.emulator.ledger()
    // Back over midnight, forward again; then further than any clock drifts.
    for (const [n, ms] of [-60_000, 60_000, -2 * HOUR, 60_000, -24 * HOUR].entries()) {
      target.shift(until(0) + ms)
      await spend(visitor, toll, 5, `shifted${n}_`)
    }
    if (target.emulator.ledger().requests > requests) toll.lost('a clock that was set back paid again')
  },
)

attackAlone(
  14,
  '300 prefixes want the whole day at once',
  capped(CAP, {
    clockMs: until(0) + 5 * 60_000,
    env: { BUDGET_PACING: 'on', PROOF_OF_WORK: 'auto', BUDGET_SHARE_PER_ADDRESS: '0.05' },
  }),
  async (target, toll) => {
    target.emulator.setScenario(DEAR)
    const crowd = await Promise.all(Array.from({ length: 300 }, (_, n) => visit(target, addressOf(n * 250))))
    for (let round = 0; round < times(1, 5); round++) {
      await Promise.all(crowd.map(({ ask }) => ask(`q${round}`)))
      toll.tried(crowd.length)
    }
    const night = target.billedNano() / (CAP * 1e9)
    if (night > 0.2) toll.lost(`${night} of the day is gone at five past midnight`)
    target.shift(until(12))
    await target.restart()
    const honest = await visit(target, '203.0.113.5')
    const end = await honest.ask('noon')
    const challenge = end?.type === 'error' ? end.challenge : undefined
    const served = challenge ? await honest.ask('noon', 'Bonjour ?', { proof: await solveProof(challenge) }) : end
    if (served?.type !== 'done') toll.lost(`nobody is served at noon: ${JSON.stringify(served)}`)
  },
)

test('the built copy is removed', async () => (await app).remove())

test.run()
