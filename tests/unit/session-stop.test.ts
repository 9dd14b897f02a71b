import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertIdle, brief, calm, createChat, GRACE_MS } from '../helpers/chat.ts'
import { BROKEN, REFUSED, USAGE } from '../helpers/scripted-model.ts'

/** Lets what waits on the wallet go on when `go` is called. */
function gate(): { pace: () => Promise<void>; go: () => Promise<void> } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return {
    pace: () => opened,
    go() {
      open()
      return calm()
    },
  }
}

test('[STO1] stop ends the answer at once, the rest is read in silence, and the true usage is settled', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1')
  const call = chat.model.last()
  call.say('Bon')
  await calm()
  await client.send({ type: 'stop', id: 'q1' })
  assert.equal(brief(client.received.slice(1)), ['start q1 model', 'delta q1 0 "Bon"', 'done q1 stopped 3'])
  client.fresh()
  assert.equal([call.aborted, chat.streams.count, chat.wallet.holds[0]?.outcomes.length], [false, 1, 0])
  call.say('jour')
  call.usage()
  call.end()
  await calm()
  assert.equal(client.fresh(), [])
  assert.equal(chat.wallet.holds[0]?.outcomes, [{ kind: 'usage', usage: USAGE }])
  await client.ask('q2')
  assert.equal(
    chat.model.last().request.turns.map(({ text }) => text),
    ['Question q1 ?', 'Bon', 'Question q2 ?'],
  )
  chat.model.last().end()
  await client.drop()
  assertIdle(chat)
})

test('[STO1] a stop while the model is only waited for makes no other call, and what was free stays free', async () => {
  const chat = createChat({ attempts: 3 })
  const client = await chat.enter()
  await client.ask('q1')
  chat.model.last().fail(REFUSED)
  await calm()
  await client.send({ type: 'stop', id: 'q1' })
  chat.clock.advance(10_000)
  await calm()
  assert.is(chat.model.calls.length, 1)
  assert.equal(chat.wallet.holds[0]?.outcomes, [{ kind: 'free' }])
  await client.drop()
  assertIdle(chat)
})

test('[STO1] when too many are read in silence already, the call is cut off and the hold stays', async () => {
  const chat = createChat({ maxStreams: 4 })
  const [one, two] = [await chat.enter(), await chat.enter()]
  for (const client of [one, two]) {
    await client.ask('q1')
    await client.send({ type: 'stop', id: 'q1' })
  }
  const [first, second] = chat.model.calls
  assert.equal([first?.aborted, second?.aborted], [false, true])
  assert.equal(
    chat.wallet.holds.map(({ outcomes }) => outcomes),
    [[], [{ kind: 'unknown' }]],
  )
  first?.fail(BROKEN)
  await calm()
  assert.equal(chat.wallet.holds[0]?.outcomes, [{ kind: 'unknown' }])
  for (const client of [one, two]) await client.drop()
  assertIdle(chat)
})

test('[STO1] a stop while the question is being admitted ends it before the model is called, at no cost', async () => {
  const chat = createChat()
  const client = await chat.enter()
  const { pace, go } = gate()
  chat.wallet.pace = pace
  await client.ask('q1')
  await client.send({ type: 'stop', id: 'q1' })
  await client.send({ type: 'stop', id: 'q1' })
  assert.equal(brief(client.received.slice(1)), [])
  await go()
  assert.equal(brief(client.received.slice(1)), ['start q1 model', 'done q1 stopped 0'])
  assert.is(chat.model.calls.length, 0)
  assert.equal(chat.wallet.holds[0]?.outcomes, [{ kind: 'free' }])
  await client.drop()
  assertIdle(chat)
})

test('[STO1] a stop while the budget refuses keeps the knowledge from answering', async () => {
  const chat = createChat({ fallback: 'Ouvert.' })
  const client = await chat.enter()
  const { pace, go } = gate()
  chat.wallet.pace = pace
  chat.wallet.refusal = { cause: 'day' }
  await client.ask('q1')
  await client.send({ type: 'stop', id: 'q1' })
  await go()
  assert.equal(brief(client.received.slice(1)), ['start q1 knowledge', 'done q1 stopped 0'])
})

test('[STO1] what the filter holds back stays unsaid', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1')
  chat.model.last().say('Le mot de ')
  await calm()
  await client.send({ type: 'stop', id: 'q1' })
  assert.is(brief(client.received).at(-1), 'done q1 stopped 3')
})

test('[STO1] after a stop nothing more is spent: a call that fails is not paid for again', async () => {
  const chat = createChat({ attempts: 3 })
  const client = await chat.enter()
  await client.ask('q1')
  await client.send({ type: 'stop', id: 'q1' })
  chat.model.last().fail(BROKEN)
  await calm()
  chat.clock.advance(10_000)
  await calm()
  assert.equal([chat.model.calls.length, chat.wallet.holds.length], [1, 1])
  await client.drop()
  assertIdle(chat)
})

test('[STO1] a stop while a failed call waits for its next try', async () => {
  const chat = createChat({ attempts: 2 })
  const client = await chat.enter()
  await client.ask('q1')
  chat.model.last().fail(REFUSED)
  await calm()
  await client.send({ type: 'stop', id: 'q1' })
  assert.is(brief(client.received).at(-1), 'done q1 stopped 0')
  chat.clock.advance(10_000)
  await calm()
  for (const call of chat.model.calls) call.end()
  await client.drop()
  assertIdle(chat)
})

test('[STO2] any socket of the session may stop; a stop during the last write comes too late', async () => {
  const chat = createChat()
  const one = await chat.enter()
  const two = await chat.enter(one.session)
  await one.ask('q1')
  chat.model.last().say('Bon')
  await calm()
  await two.send({ type: 'stop', id: 'q1' })
  for (const client of [one, two]) assert.is(brief(client.received).at(-1), 'done q1 stopped 3')
  chat.model.last().end()
  await one.ask('q2')
  chat.store.hold()
  chat.model.last().end()
  await calm()
  await two.send({ type: 'stop', id: 'q2' })
  chat.store.letGo()
  await calm()
  for (const client of [one, two]) assert.is(brief(client.received).at(-1), 'done q2 complete 0')
})

test('[STO3] stop of a finished or refused id does nothing, of an unknown one is a bad message', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1')
  chat.model.last().end()
  await calm()
  chat.wallet.refusal = { cause: 'day' }
  await client.send({ type: 'stop', id: 'q1' })
  await client.ask('q2')
  await client.send({ type: 'stop', id: 'q2' })
  await client.ask('q3', '')
  await client.send({ type: 'stop', id: 'q3' })
  assert.equal(brief(client.fresh()).slice(-2), ['error q2 budget_exhausted', 'error q3 empty'])
  await client.send({ type: 'stop', id: 'q9' })
  assert.equal(brief(client.fresh()), ['error q9 bad_message'])
  const stranger = await chat.enter()
  await stranger.send({ type: 'stop', id: 'q1' })
  assert.equal(brief(stranger.received), ['welcome new', 'error q1 bad_message'])
})

test('[RES6] nobody back within the grace time: stopped and kept as interrupted; before it, it goes on', async () => {
  const chat = createChat()
  const one = await chat.enter()
  await one.ask('q1')
  chat.model.last().say('Bon')
  await one.drop()
  chat.clock.advance(GRACE_MS - 1)
  await calm()
  assert.is(chat.lines.length, 0)
  const two = await chat.enter(one.session)
  assert.is(chat.clock.pending(), 0, 'who comes back ends the wait')
  await two.drop()
  chat.clock.advance(GRACE_MS - 1)
  chat.model.last().say('jour')
  await calm()
  chat.clock.advance(1)
  await calm()
  assert.is(chat.registry.size, 0)
  chat.model.last().end()
  await calm()
  assertIdle(chat)
  const three = await chat.enter(one.session, { id: 'q1', offset: 3 })
  assert.equal(brief(three.received), [
    'welcome resumed q1:interrupted',
    'start q1 model',
    'delta q1 3 "jour"',
    'done q1 interrupted 7',
  ])
})

test('[RES6] an answer that ends within the grace time is kept whole, and the wait with it ends', async () => {
  const chat = createChat()
  const one = await chat.enter()
  await one.ask('q1')
  await one.drop()
  chat.model.last().say('Bonjour')
  chat.model.last().end()
  await calm()
  assertIdle(chat)
  const two = await chat.enter(one.session, { id: 'q1', offset: 0 })
  assert.equal(brief(two.received).slice(1), ['start q1 model', 'delta q1 0 "Bonjour"', 'done q1 complete 7'])
})

test('[RES6] the grace time also bounds a question that is still being admitted', async () => {
  const chat = createChat()
  const one = await chat.enter()
  const { pace, go } = gate()
  chat.wallet.pace = pace
  await one.ask('q1')
  await one.drop()
  chat.clock.advance(GRACE_MS)
  await go()
  assertIdle(chat)
  assert.is(chat.model.calls.length, 0)
  const two = await chat.enter(one.session)
  assert.equal(brief(two.received), ['welcome resumed q1:interrupted'])
})

test.run()
