import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { closes } from '../../protocol/closes.ts'
import { SILENT_MS } from '../../server/chat/follow.ts'
import { assertIdle, brief, type Chat, calm, createTwo, GRACE_MS, textOf } from '../helpers/chat.ts'

const FORGET = { type: 'forget' } as const
const CHUNKS = ['Bon', 'jour 🚲', ' ', 'marin 🌊🌊', '!']
const TEXT = CHUNKS.join('')
const restart = closes.restart.code

const assertBothIdle = ({ one, two }: { one: Chat; two: Chat }) => {
  assertIdle(one)
  assertIdle(two)
}

for (let at = 0; at <= CHUNKS.length; at++)
  test(`[RES7] a drop before chunk ${at}, and back to another process: the same text, one call`, async () => {
    const { one, two, hub } = createTwo()
    const before = await one.enter()
    await before.ask('q1')
    const call = one.model.last()
    call.say(...CHUNKS.slice(0, at))
    await calm()
    const had = textOf(before.received, 'q1')
    await before.drop()
    call.say(...CHUNKS.slice(at, at + 1))
    const after = await two.enter(before.session, { id: 'q1', offset: had.length })
    call.say(...CHUNKS.slice(at + 1))
    call.end()
    await calm()
    assert.equal(brief(after.received).slice(0, 2), ['welcome resumed q1:streaming', 'start q1 model'])
    assert.is(had + textOf(after.received, 'q1', had.length), TEXT)
    assert.is(brief(after.received).at(-1), `done q1 complete ${TEXT.length}`)
    assert.is(one.model.calls.length, 1)
    await after.drop()
    assert.is(hub.links, 0)
    assertBothIdle({ one, two })
  })

test('[SES1] [ASK5] [ASK6] two tabs on two processes: one sees what the other asks, one answer at a time, an id is paid once', async () => {
  const { one, two } = createTwo()
  const near = await one.enter()
  await near.ask('q0')
  one.model.last().end()
  await calm()
  const far = await two.enter(near.session)
  for (const tab of [near, far]) tab.fresh()
  await far.ask('q1', 'Un vélo ?')
  await near.ask('q2')
  await near.ask('q1', 'autre chose')
  one.model.last().say('Oui.')
  await calm()
  await far.ask('q1')
  await far.ask('q3')
  one.model.last().end()
  await calm()
  assert.equal(brief(near.fresh()), [
    'start q1 model',
    'error q2 busy',
    'start q1 model',
    'delta q1 0 "Oui."',
    'done q1 complete 4',
  ])
  assert.equal(brief(far.fresh()), [
    'start q1 model',
    'delta q1 0 "Oui."',
    'start q1 model',
    'delta q1 0 "Oui."',
    'error q3 busy',
    'done q1 complete 4',
  ])
  assert.is(one.model.calls.length, 2)
  await near.ask('q4')
  one.model.last().end()
  await calm()
  assert.equal(brief(far.fresh()), ['start q4 model', 'done q4 complete 0'])
  for (const tab of [near, far]) await tab.drop()
  assertBothIdle({ one, two })
})

test('[STO2] stop reaches the answer from another process; of an unknown id it is a bad message', async () => {
  const { one, two } = createTwo()
  const near = await one.enter()
  await near.ask('q1')
  one.model.last().say('Bon')
  const far = await two.enter(near.session)
  far.fresh()
  await far.send({ type: 'stop', id: 'q7' })
  await far.send({ type: 'stop', id: 'q1' })
  await far.send({ type: 'stop', id: 'q1' })
  assert.equal(brief(far.fresh()), ['error q7 bad_message', 'done q1 stopped 3'])
  assert.is(brief(near.received).at(-1), 'done q1 stopped 3')
  one.model.last().end()
  for (const tab of [near, far]) await tab.drop()
  assertBothIdle({ one, two })
})

test('[FOR1] [FOR2] forget from another process ends the answer, erases, and gives every socket the new session', async () => {
  const { one, two } = createTwo()
  const near = await one.enter()
  await near.ask('q1')
  one.model.last().say('Bon')
  const old = near.session
  const [far, other] = [await two.enter(old), await two.enter(old)]
  for (const tab of [near, far, other]) tab.fresh()
  await far.send(FORGET)
  for (const tab of [near, far, other])
    assert.equal(brief(tab.fresh()), ['done q1 stopped 3', 'forgotten', 'welcome new'])
  assert.equal([far.session, other.session], [near.session, near.session])
  assert.is.not(near.session, old)
  one.model.last().end()
  for (const chat of [one, two]) assert.equal(brief((await chat.enter(old)).received), ['welcome new'])
  await far.ask('q1')
  assert.is(brief(near.fresh()).at(-1), 'start q1 model')
  const late = await two.enter(near.session)
  assert.equal(brief(late.received), ['welcome resumed q1:streaming', 'start q1 model'])
})

test('[RES6] while somebody listens on another process no grace time runs; when he has gone, it does', async () => {
  const { one, two } = createTwo()
  const near = await one.enter()
  await near.ask('q1')
  const far = await two.enter(near.session)
  await near.drop()
  one.clock.advance(GRACE_MS * 3)
  one.model.last().say('Oui.')
  await calm()
  assert.is(brief(far.received).at(-1), 'delta q1 0 "Oui."')
  await far.drop()
  one.clock.advance(GRACE_MS)
  await calm()
  one.model.last().end()
  await calm()
  assertBothIdle({ one, two })
  assert.equal(brief((await two.enter(near.session)).received), ['welcome resumed q1:interrupted'])
})

test('[SES6] a session without an answer on its way moves to the process where its visitor comes back', async () => {
  const { one, two, hub } = createTwo()
  const near = await one.enter()
  await near.ask('q1')
  one.model.last().end()
  await near.drop()
  const far = await two.enter(near.session)
  assert.equal(brief(far.received), ['welcome resumed q1:complete'])
  assert.equal([one.registry.size, two.registry.size, hub.links], [0, 1, 0])
  const again = await one.enter(near.session)
  await again.ask('q2')
  assert.is(brief(far.received).at(-1), 'start q2 model')
  assert.equal(two.lines.length + one.lines.length, 1)
  one.model.last().end()
  await calm()
  assert.is(two.lines.length, 1, 'where it is now')
})

test('[SES6] a process that drains lends what is being answered, gives the rest away, and sends everybody on', async () => {
  const { one, two, hub } = createTwo()
  const near = await one.enter()
  await near.ask('q1')
  one.model.last().say('Bon')
  const far = await two.enter(near.session)
  one.lender.drain()
  assert.equal(far.closes, [])
  await near.drop()
  const back = await two.enter(near.session, { id: 'q1', offset: 3 })
  one.model.last().say('jour')
  one.model.last().end()
  await calm()
  for (const tab of [far, back]) assert.is(brief(tab.received).at(-1), 'done q1 complete 7')
  one.lender.drain()
  await calm()
  assert.equal([far.closes, back.closes, hub.links], [[restart], [restart], 0])
  for (const tab of [far, back]) await tab.drop()
  const next = await two.enter(near.session)
  assert.equal(brief(next.received), ['welcome resumed q1:complete'])
  await next.ask('q2')
  assert.is(brief(next.received).at(-1), 'start q2 model')
})

test('[SES6] a session that a draining process still holds is waited for', async () => {
  const { one, two } = createTwo()
  const near = await one.enter()
  await near.ask('q1')
  one.model.last().end()
  await calm()
  one.lender.drain()
  const far = await two.enter(near.session)
  assert.equal(far.received, [])
  await near.drop()
  two.clock.advance(100)
  await calm()
  assert.equal(brief(far.received), ['welcome resumed q1:complete'])
  const other = await one.enter(near.session)
  const held = await two.enter(near.session)
  for (const tab of [far, held, other]) await tab.drop()
  assertBothIdle({ one, two })
})

test('[RES8] a process dies mid-answer: its followers come back, and find the text that was stored, interrupted', async () => {
  const { one, two } = createTwo()
  const near = await one.enter()
  await near.ask('q1')
  const far = await two.enter(near.session)
  one.model.last().say('Bon')
  await calm()
  one.model.last().say('jour')
  await calm()
  one.clock.advance(1000)
  one.model.last().say(' marin')
  await calm()
  one.clock.advance(999)
  one.die()
  await calm()
  assert.equal(far.closes, [restart])
  const back = await two.enter(near.session, { id: 'q1', offset: 13 })
  assert.equal(brief(back.received), [
    'welcome resumed q1:interrupted',
    'start q1 model',
    'delta q1 0 "Bonjour"',
    'done q1 interrupted 7',
  ])
  await back.ask('q2')
  assert.is(two.model.calls.length, 2)
})

test('[RES8] a process dies right after its first words: they are kept', async () => {
  const { one, two } = createTwo()
  const near = await one.enter()
  await near.ask('q1')
  one.model.last().say('Bon')
  await calm()
  one.die()
  const back = await two.enter(near.session, { id: 'q1', offset: 3 })
  assert.equal(brief(back.received), ['welcome resumed q1:interrupted', 'start q1 model', 'done q1 interrupted 3'])
  await back.drop()
})

test('[RES8] a process that was thought dead learns it at its next write: its sockets are sent on, nothing is overwritten', async () => {
  const { one, two, hub } = createTwo()
  const near = await one.enter()
  await near.ask('q1')
  one.model.last().say('Bon')
  await calm()
  hub.hold()
  const far = await two.enter(near.session)
  assert.equal(far.received, [])
  two.clock.advance(SILENT_MS)
  await calm()
  assert.equal(brief(far.received), ['welcome resumed q1:interrupted'])
  hub.letGo()
  await calm()
  assert.equal(near.closes, [])
  one.model.last().say('jour')
  one.model.last().end()
  await calm()
  assert.equal(near.closes, [restart])
  assert.not.ok(
    brief(near.received).some((line) => line.startsWith('done')),
    'it is not told as kept',
  )
  await near.drop()
  assertIdle(one)
  const back = await one.enter(near.session)
  assert.equal(brief(back.received), ['welcome resumed q1:interrupted'])
  await far.ask('q2')
  assert.is(brief(back.received).at(-1), 'start q2 model')
})

test('[STO2] [ASK6] [FOR1] ids, stop and forget of one session reach nothing of another, here nor on another process', async () => {
  const { one, two } = createTwo()
  const victim = await one.enter()
  await victim.ask('q0', 'Ma question ?')
  one.model.last().say('Ma réponse.')
  one.model.last().end()
  await calm()
  await victim.ask('q1', 'Une autre ?')
  const call = one.model.last()
  call.say('Bon')
  await calm()
  victim.fresh()
  for (const stranger of [await one.enter(), await two.enter(), await two.enter(`${victim.session.slice(0, -1)}A`)]) {
    assert.is.not(stranger.session, victim.session)
    stranger.fresh()
    await stranger.send({ type: 'stop', id: 'q1' })
    await stranger.send({ type: 'stop', id: 'q0' })
    assert.equal(brief(stranger.fresh()), ['error q1 bad_message', 'error q0 bad_message'])
    // Its own id, although another session has one of the same letters: a new question, not a replay.
    await stranger.ask('q0', 'Et moi ?')
    assert.equal(brief(stranger.fresh()), ['start q0 model'])
    one.model.last().say('Autre.')
    one.model.last().end()
    await calm()
    assert.equal(brief(stranger.fresh()), ['delta q0 0 "Autre."', 'done q0 complete 6'])
    await stranger.send(FORGET)
    assert.equal(brief(stranger.fresh()), ['forgotten', 'welcome new'])
    await stranger.drop()
  }
  assert.equal(brief(victim.fresh()), [], 'its visitor heard nothing of them')
  call.say('jour')
  call.end()
  await calm()
  assert.equal(brief(victim.fresh()), ['delta q1 3 "jour"', 'done q1 complete 7'])
  await victim.drop()
  assert.equal(brief((await two.enter(victim.session)).received), ['welcome resumed q0:complete q1:complete'])
})

test('[HEL3] a token that no process knows is new everywhere, and its key leads to nobody', async () => {
  const { one, two, hub } = createTwo()
  const near = await one.enter()
  const far = await two.enter(near.session)
  assert.equal(brief(far.received), ['welcome new'])
  assert.is.not(far.session, near.session)
  assert.is(hub.links, 0)
})

test.run()
