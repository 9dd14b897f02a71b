import { test } from 'uvu'
import { buildApp } from '../helpers/built-app.ts'
import { attackAlone, times } from './attack.ts'
import { CAP, withCap } from './budget.ts'
import { addressOf, visit } from './visitor.ts'

const app = buildApp()
const capped = withCap(app)

attackAlone(4, 'prompts that force long thinking, and an upstream that overruns', capped(CAP), async (target, toll) => {
  const { emulator } = target
  const visitor = await visit(target)
  for (const name of ['thoughts', 'max-tokens-empty', 'max-tokens', 'long'] as const) {
    emulator.setScenario({ name, bytesPerToken: 1 })
    await visitor.ask(name, 'Réfléchis aussi longtemps que tu peux, sans jamais conclure.')
    toll.tried()
  }
  for (const { maxOutputTokens, outputTokens } of emulator.ledger().entries)
    if (maxOutputTokens !== 800 || outputTokens > 800) toll.lost(`${outputTokens} of ${maxOutputTokens} tokens`)
  emulator.setScenario({ name: 'overrun' })
  await visitor.ask('overrun')
  const before = emulator.ledger().requests
  for (let n = 0; n < 20; n++) {
    const end = await visitor.ask(`after${n}`)
    toll.tried()
    if (end?.type !== 'error' || end.code !== 'budget_exhausted') toll.lost(`answered after an overrun: ${end?.type}`)
  }
  if (emulator.ledger().requests > before) toll.lost('a call after an overrun')
})

attackAlone(10, 'a storm of 429 and 503 from Google', capped(CAP), async (target, toll) => {
  const { emulator } = target
  const visitor = await visit(target)
  emulator.setScenario({ name: 'minute-429', retryDelaySeconds: 0.3, times: 1 })
  const patient = await visitor.ask('patient')
  const [first, second] = emulator.ledger().entries
  toll.tried()
  if (patient?.type !== 'done' || !first || !second) toll.lost('no second attempt')
  else if (second.openedAt - first.openedAt < 299) toll.lost(`asked again after ${second.openedAt - first.openedAt} ms`)
  const asks = times(20, 200)
  for (const [name, most] of [
    ['minute-429', 1],
    ['day-429', 1],
    ['unavailable-503', 3],
  ] as const) {
    emulator.resetLedger()
    // What Google asks to wait for is longer than anybody would.
    emulator.setScenario({ name, retryDelaySeconds: 3600 })
    const crowd = await Promise.all(Array.from({ length: asks }, (_, n) => visit(target, addressOf(n))))
    await Promise.all(crowd.map(({ ask }) => ask(name)))
    toll.tried(asks)
    const { requests } = emulator.ledger()
    if (requests > asks * most) toll.lost(`${requests} calls for ${asks} questions under ${name}`)
    if (target.billedNano() > 0) toll.lost('a refusal was billed')
    for (const { socket } of crowd) socket.destroy()
  }
  emulator.setScenario(null)
  if ((await visitor.ask('after'))?.type !== 'done') toll.lost('no answer after the storm')
})

test('the built copy is removed', async () => (await app).remove())

test.run()
