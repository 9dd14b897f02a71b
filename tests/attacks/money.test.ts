import { test } from 'uvu'
import type { ScenarioOrder } from '../../emulator/emulator.ts'
import { absurdUsages } from '../../emulator/order.ts'
import { buildApp } from '../helpers/built-app.ts'
import { attackAlone, times } from './attack.ts'
import { CAP, DEAR, keepsTo, withCap } from './budget.ts'
import { addressOf, endOf, visit } from './visitor.ts'

const app = buildApp()
const capped = withCap(app)

attackAlone(1, 'many sockets fire together at 95 % spent', capped(CAP), async (target, toll) => {
  target.emulator.setScenario(DEAR)
  // One socket each: so many frames of one would be a flood.
  for (let n = 0; n < 200 && target.billedNano() < 0.95 * CAP * 1e9; n++) {
    const { ask, socket } = await visit(target)
    const end = await ask('q')
    socket.destroy()
    if (end?.type !== 'done') break
  }
  const before = target.emulator.ledger().requests
  const count = times(250, 1000)
  const crowd = await Promise.all(Array.from({ length: count }, (_, n) => visit(target, addressOf(n))))
  await Promise.all(crowd.map(({ ask }) => ask('q')))
  toll.tried(count)
  keepsTo(target, toll, CAP)
  if (before === 0) toll.lost('nothing was spent before')
})

attackAlone(2, 'hanging up after the first token, in a loop', capped(CAP / 5), async (target, toll) => {
  target.emulator.setScenario({ ...DEAR, perChunkMs: 2 })
  for (let n = 0; n < times(60, 600); n++) {
    const { socket, next } = await visit(target)
    socket.say({ type: 'ask', id: 'q', text: 'Combien coûte une révision ?' })
    toll.tried()
    const started = await Promise.race([next('delta'), endOf(socket, 'q')])
    socket.destroy()
    if (started?.type === 'error') break
  }
  await target.emulator.changed(({ open }) => open === 0)
  keepsTo(target, toll, CAP / 5)
})

attackAlone(6, 'usage that is missing, not a number, negative or huge', capped(CAP / 5), async (target, toll) => {
  const kinds: ScenarioOrder[] = [
    { name: 'usage-missing' },
    ...absurdUsages.map((usage) => ({ name: 'usage-absurd' as const, usage })),
  ]
  const visitor = await visit(target)
  const held: number[] = []
  for (const [n, kind] of kinds.entries()) {
    target.emulator.setScenario({ ...kind, bytesPerToken: 1 })
    const end = await visitor.ask(`kind${n}`)
    toll.tried()
    if (end?.type !== 'done') toll.lost(`refused: ${JSON.stringify(end)}`)
    held.push((await target.metric('le_mecano_budget_held_currency_units')) ?? 0)
  }
  const [one = 0] = held
  held.forEach((sum, n) => {
    // The same question again and again, with a few more words before it each time.
    if (sum < one * (n + 1) * 0.99) toll.lost(`the hold of ${JSON.stringify(kinds[n])} was let go: ${sum} of ${one}`)
  })
  for (let n = 0; n < times(30, 50); n++) {
    target.emulator.setScenario({ ...(kinds[n % kinds.length] ?? DEAR), bytesPerToken: 1 })
    await visitor.ask(`q${n}`)
    toll.tried()
  }
  keepsTo(target, toll, CAP / 5)
})

attackAlone(
  7,
  'an oversized question to poison a counter',
  capped(CAP / 10, { env: { MAX_MESSAGE_CHARS: '5300', BUDGET_SHARE_PER_ADDRESS: '0.13' } }),
  async (target, toll) => {
    target.emulator.setScenario(DEAR)
    const visitor = await visit(target)
    // 16 KB, more than the address may hold at once.
    for (let n = 0; n < 50; n++) {
      const end = await visitor.ask(`big${n}`, '€'.repeat(5300))
      toll.tried()
      if (end?.type !== 'error') toll.lost('an oversized question was answered')
    }
    if (target.emulator.ledger().requests > 0) toll.lost('an oversized question was paid')
    const small = await visitor.ask('small')
    if (small?.type !== 'done') toll.lost(`the small one was refused: ${JSON.stringify(small)}`)
  },
)

test('the built copy is removed', async () => (await app).remove())

test.run()
