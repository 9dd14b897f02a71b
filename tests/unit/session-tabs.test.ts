import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertIdle, brief, calm, createChat, finished } from '../helpers/chat.ts'

test('[SES1] two tabs that come back together meet in one session', async () => {
  const chat = createChat()
  const session = await finished(chat)
  chat.store.hold()
  const clients = await Promise.all([chat.enter(session), chat.enter(session)])
  assert.equal(
    clients.map(({ received }) => received.length),
    [0, 0],
  )
  chat.store.letGo()
  await calm()
  await clients[0].ask('q2')
  for (const client of clients) assert.equal(brief(client.received), ['welcome resumed q1:complete', 'start q2 model'])
  assert.is(chat.registry.size, 1)
  assert.is(chat.store.calls.filter((call) => call === 'load').length, 1)
})

test('[SES1] one tab leaves at the moment another comes: the session stays one', async () => {
  const chat = createChat()
  const one = await chat.enter(await finished(chat))
  const two = chat.connect()
  // Both in one turn of the event loop.
  const entering = two.send({ type: 'hello', session: one.session })
  await Promise.all([one.drop(), entering])
  const three = await chat.enter(one.session)
  await two.ask('q2')
  assert.is(brief(three.received).at(-1), 'start q2 model')
  chat.model.last().end()
  await two.drop()
  await three.drop()
  assertIdle(chat)
})

test('[SES1] who is gone before the session was found leaves nothing behind', async () => {
  const chat = createChat()
  const session = await finished(chat)
  chat.store.hold()
  const client = await chat.enter(session)
  await client.ask('q2')
  await client.drop()
  chat.store.letGo()
  await calm()
  assertIdle(chat)
  assert.is(chat.model.calls.length, 1)
})

// The property test's seed -66476269.
test('[ASK1] [ASK4] an id asked again while its refusal is on its way has an end of its own', async () => {
  for (let ticks = 0; ticks < 12; ticks++) {
    const chat = createChat({ maxStreams: 1 })
    const stranger = await chat.enter()
    await stranger.ask('s1')
    const one = await chat.enter()
    const two = await chat.enter(one.session)
    const first = one.ask('q1')
    for (let i = 0; i < ticks; i++) await Promise.resolve()
    await Promise.all([first, two.ask('q1')])
    for (const client of [one, two]) assert.equal(brief(client.received).slice(1), ['error q1 overloaded'])
  }
})

test.run()
