import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertIdle, brief, calm, createChat } from '../helpers/chat.ts'
import { USAGE } from '../helpers/scripted-model.ts'

const FORGET = { type: 'forget' } as const

test('[FOR1] forget gives every socket a new, empty session under a new token; the old one is dead', async () => {
  const chat = createChat()
  const one = await chat.enter()
  await one.ask('q1')
  chat.model.last().end()
  await calm()
  const old = one.session
  const two = await chat.enter(old)
  for (const client of [one, two]) client.fresh()
  await one.send(FORGET)
  for (const client of [one, two]) assert.equal(brief(client.fresh()), ['forgotten', 'welcome new'])
  assert.is.not(one.session, old)
  assert.is(two.session, one.session)
  assert.is(chat.store.calls.at(-1), 'erase')

  const late = await chat.enter(old)
  assert.equal(brief(late.received), ['welcome new'])
  assert.is.not(late.session, one.session)
  await one.ask('q1')
  assert.is(brief(two.received).at(-1), 'start q1 model')
  assert.is(chat.model.last().request.turns.length, 1)
  chat.model.last().end()
  for (const client of [one, two, late]) await client.drop()
  assertIdle(chat)
  const next = await chat.enter(one.session)
  assert.equal(brief(next.received), ['welcome resumed q1:complete'])
})

test('[FOR1] a session without a question can be forgotten too', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.send(FORGET)
  assert.equal(brief(client.received), ['welcome new', 'forgotten', 'welcome new'])
  await client.drop()
  assertIdle(chat)
})

test('[FOR2] forget mid-answer: done stopped, then erased after the last write, then forgotten and welcome', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1')
  chat.model.last().say('Bon')
  await calm()
  client.fresh()
  await client.send(FORGET)
  assert.equal(brief(client.fresh()), ['done q1 stopped 3', 'forgotten', 'welcome new'])
  assert.equal(chat.store.calls, ['put 0', 'put 0', 'put 0', 'erase'])
  chat.model.last().say('jour')
  chat.model.last().end()
  await calm()
  assert.equal(client.fresh(), [])
  assert.equal(chat.wallet.holds[0]?.outcomes, [{ kind: 'usage', usage: USAGE }])
  await client.drop()
  assertIdle(chat)
})

test('[FOR2] forget while a question is being admitted: it still has its one end, before the erasure', async () => {
  const chat = createChat()
  const client = await chat.enter()
  chat.store.hold()
  await client.ask('q1')
  await client.send(FORGET)
  assert.equal(brief(client.received.slice(1)), [])
  chat.store.letGo()
  await calm()
  assert.equal(brief(client.received.slice(1)), ['start q1 model', 'done q1 stopped 0', 'forgotten', 'welcome new'])
  assert.is(chat.model.calls.length, 0)
  assert.is(chat.store.calls.at(-1), 'erase')
  await client.drop()
  assertIdle(chat)
})

test('[FOR2] while the erasure waits: new questions are busy, who comes is moved to the new session', async () => {
  const chat = createChat()
  const one = await chat.enter()
  await one.ask('q1')
  chat.model.last().end()
  await calm()
  const old = one.session
  chat.store.hold()
  await one.send(FORGET)
  one.fresh()
  await one.ask('q2')
  assert.equal(brief(one.fresh()), ['error q2 busy'])
  const two = await chat.enter(old)
  await one.drop()
  chat.store.letGo()
  await calm()
  assert.equal(brief(two.received), ['welcome resumed q1:complete', 'forgotten', 'welcome new'])
  assert.is.not(two.session, old)
  await two.drop()
  assertIdle(chat)
})

test('[FOR2] forget while nobody stays to hear of it', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1')
  chat.store.hold()
  await client.send(FORGET)
  await client.drop()
  chat.store.letGo()
  chat.model.last().end()
  await calm()
  assertIdle(chat)
  const next = await chat.enter(client.session)
  assert.equal(brief(next.received), ['welcome new'])
})

// The property test's seed 1904427147.
test('[FOR1] a sweep while the erasure waits doesn’t write again what the store had refused before', async () => {
  const chat = createChat()
  const client = await chat.enter()
  chat.store.broken = true
  await client.ask('q1')
  chat.model.last().end()
  await calm()
  chat.store.broken = false
  const old = client.session
  chat.store.hold()
  await client.send(FORGET)
  const swept = chat.registry.sweep()
  chat.store.letGo()
  await swept
  const late = await chat.enter(old)
  assert.equal([brief(late.received), brief(client.received).at(-1)], [['welcome new'], 'welcome new'])
})

test('[FOR1] twice at once is erased once, and everybody hears of it once', async () => {
  const chat = createChat()
  const one = await chat.enter()
  const two = await chat.enter(one.session)
  chat.store.hold()
  await Promise.all([one.send(FORGET), two.send(FORGET), one.send(FORGET)])
  chat.store.letGo()
  await calm()
  for (const client of [one, two]) assert.equal(brief(client.received).slice(1), ['forgotten', 'welcome new'])
  assert.equal(chat.store.calls, ['load', 'erase'].slice(-1))
})

test('[FOR1] when the store can’t erase, whoever asked gets internal, nothing is claimed, and it can be asked again', async () => {
  const chat = createChat()
  const one = await chat.enter()
  await one.ask('q1')
  chat.model.last().say('Oui.')
  chat.model.last().end()
  await calm()
  const old = one.session
  const [two, three] = [await chat.enter(old), await chat.enter(old)]
  for (const client of [one, two, three]) client.fresh()
  chat.store.broken = true
  chat.store.hold()
  await Promise.all([one.send(FORGET), two.send(FORGET)])
  chat.store.letGo()
  await calm()
  assert.equal(
    [one, two, three].map((client) => brief(client.fresh())),
    [['error - internal'], ['error - internal'], []],
  )
  chat.store.broken = false
  assert.equal(brief((await chat.enter(old)).received), ['welcome resumed q1:complete'])
  await two.send(FORGET)
  for (const client of [one, two, three]) assert.equal(brief(client.fresh()), ['forgotten', 'welcome new'])
})

test('[FOR3] forget keeps buckets and holds', async () => {
  const chat = createChat({ burst: 1 })
  const client = await chat.enter()
  await client.ask('q1')
  await client.send(FORGET)
  await client.ask('q1')
  assert.is(brief(client.received).at(-1), 'error q1 rate_limited')
  assert.is(chat.wallet.holds[0]?.outcomes.length, 0)
})

test.run()
