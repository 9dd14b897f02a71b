import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertIdle, brief, calm, createChat, FORBIDDEN } from '../helpers/chat.ts'
import { BROKEN, REFUSED, USAGE } from '../helpers/scripted-model.ts'

test('[ASK9] the ends that the model gives are told as they are', async () => {
  const chat = createChat()
  const client = await chat.enter()
  for (const reason of ['complete', 'length', 'filtered', 'interrupted'] as const) {
    await client.ask(reason)
    chat.model.last().say('Bon.')
    chat.model.last().end(reason)
    await calm()
    assert.is(brief(client.fresh()).at(-1), `done ${reason} ${reason} 4`)
  }
  const unknown = { kind: 'unknown' }
  const used = { kind: 'usage', usage: USAGE }
  assert.equal(
    chat.wallet.holds.flatMap(({ outcomes }) => outcomes),
    [used, used, used, unknown],
  )
})

test('[ASK9] what the filter forbids ends the answer with filtered; the rest is read silently for its price', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1')
  client.fresh()
  const call = chat.model.last()
  call.say('Le mot de ', `passe`, ' est secret')
  await calm()
  assert.equal(brief(client.fresh()), ['delta q1 0 "Le "', 'done q1 filtered 3'])
  assert.not.ok(call.over)
  call.say(FORBIDDEN)
  call.end()
  await calm()
  assert.equal(client.fresh(), [])
  assert.equal(chat.wallet.holds[0]?.outcomes, [{ kind: 'usage', usage: USAGE }])
  await client.drop()
  assertIdle(chat)
})

test('[ASK9] what the filter held back is said before the end', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1')
  client.fresh()
  chat.model.last().say('Quel mot')
  await calm()
  chat.model.last().end()
  await calm()
  assert.equal(brief(client.fresh()), ['delta q1 0 "Quel "', 'delta q1 5 "mot"', 'done q1 complete 8'])
})

test('[MOD2] a failure before the first text: the asker gets an error, the others an end, and the id is used', async () => {
  const chat = createChat()
  const one = await chat.enter()
  const two = await chat.enter(one.session)
  await one.ask('q1')
  chat.model.last().fail({ ...REFUSED, retryAfterMs: 4000 })
  await calm()
  assert.equal(brief(one.received.slice(1)), ['start q1 model', 'error q1 model_unavailable'])
  const last = one.received.at(-1)
  assert.is(last?.type === 'error' && last.retryAfterMs, 4000)
  assert.equal(brief(two.received.slice(1)), ['start q1 model', 'done q1 interrupted 0'])
  assert.equal(chat.wallet.holds[0]?.outcomes, [{ kind: 'free' }])
  two.fresh()
  await two.ask('q1')
  assert.equal(brief(two.fresh()), ['start q1 model', 'done q1 interrupted 0'])
  const three = await chat.enter(one.session)
  assert.equal(brief(three.received), ['welcome resumed q1:interrupted'])
})

test('[MOD1] a failure before the first text: the knowledge answers after a second start', async () => {
  const chat = createChat({ fallback: 'Ouvert de 9 h à 18 h.' })
  const client = await chat.enter()
  await client.ask('q1')
  chat.model.last().fail()
  await calm()
  assert.equal(brief(client.received.slice(1)), [
    'start q1 model',
    'start q1 knowledge',
    'delta q1 0 "Ouvert de 9 h à 18 h."',
    'done q1 complete 21',
  ])
  assert.equal(chat.wallet.holds[0]?.outcomes, [{ kind: 'unknown' }])
  const again = await chat.enter(client.session)
  const [welcome] = again.received
  assert.equal(welcome?.type === 'welcome' && welcome.turns.map(({ answer, source }) => [answer, source]), [
    ['Ouvert de 9 h à 18 h.', 'knowledge'],
  ])
})

test('[MOD5] a failure after text ends the answer as interrupted, held-back text included', async () => {
  const chat = createChat({ fallback: 'Ouvert.' })
  const client = await chat.enter()
  await client.ask('q1')
  chat.model.last().say('Quel mot')
  chat.model.last().fail()
  await calm()
  const told = brief(client.received.slice(1))
  assert.equal(told, ['start q1 model', 'delta q1 0 "Quel "', 'delta q1 5 "mot"', 'done q1 interrupted 8'])
})

test('[MOD1] a failed call is tried again unseen; one that may be billed takes another hold', async () => {
  const chat = createChat({ attempts: 3 })
  const client = await chat.enter()
  await client.ask('q1')
  chat.model.last().fail(REFUSED)
  await calm()
  chat.clock.advance(250)
  await calm()
  assert.is(chat.wallet.holds.length, 1)
  chat.model.last().fail(BROKEN)
  await calm()
  chat.clock.advance(500)
  await calm()
  chat.model.last().usage()
  chat.model.last().say('Oui.')
  chat.model.last().end()
  await calm()
  assert.equal(brief(client.received.slice(1)), ['start q1 model', 'delta q1 0 "Oui."', 'done q1 complete 4'])
  assert.equal(
    chat.wallet.holds.map(({ outcomes }) => outcomes),
    [[{ kind: 'unknown' }], [{ kind: 'usage', usage: USAGE }]],
  )
  assert.is(chat.model.calls.length, 3)
  await client.drop()
  assertIdle(chat)
})

test('[MOD3] with the budget out the knowledge answers for a token', async () => {
  const chat = createChat({ fallback: 'Ouvert.', burst: 1 })
  const client = await chat.enter()
  chat.wallet.refusal = { cause: 'day' }
  await client.ask('q1')
  assert.equal(brief(client.received.slice(1)), ['start q1 knowledge', 'delta q1 0 "Ouvert."', 'done q1 complete 7'])
  await client.ask('q2')
  assert.is(brief(client.received).at(-1), 'error q2 rate_limited')
  assert.is(chat.model.calls.length, 0)
  await client.drop()
  assertIdle(chat)
})

test.run()
