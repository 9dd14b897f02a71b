import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertIdle, brief, calm, createChat, FORBIDDEN, textOf } from '../helpers/chat.ts'
import { BROKEN, REFUSED, USAGE } from '../helpers/scripted-model.ts'

test('[ASK1] an ask gets start, deltas whose offsets leave no gap, and one done with the length', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1')
  const call = chat.model.last()
  call.say('Bon', 'jour ')
  call.usage()
  call.say('marin 🚲')
  call.end()
  await calm()
  assert.equal(brief(client.received), [
    'welcome new',
    'start q1 model',
    'delta q1 0 "Bon"',
    'delta q1 3 "jour "',
    'delta q1 8 "marin 🚲"',
    'done q1 complete 16',
  ])
  assert.equal(client.received.at(-1), { type: 'done', id: 'q1', reason: 'complete', length: 16, usage: USAGE })
  assert.equal(
    chat.wallet.holds.map(({ tightened, outcomes }) => ({ tightened, outcomes })),
    [{ tightened: [100], outcomes: [{ kind: 'usage', usage: USAGE }] }],
  )
  await client.drop()
  assertIdle(chat)
})

test('[ASK1] the history and the answers of earlier turns go to the model', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1', '  Bonjour ?  ')
  chat.model.last().say('Oui.')
  chat.model.last().end()
  await calm()
  await client.ask('q2', 'Et alors ?')
  assert.equal(
    chat.model.last().request.turns.map(({ text }) => text),
    ['Bonjour ?', 'Oui.', 'Et alors ?'],
  )
  assert.equal(
    chat.wallet.holds.map(({ request }) => request.since !== undefined),
    [false, true],
  )
})

test('[ASK11] refusals come in the order of the checks, and only what passed them pays', async () => {
  const chat = createChat({ burst: 2, maxStreams: 2, maxChars: 10 })
  const other = chat.connect('other')
  await other.send({ type: 'hello' })
  await other.ask('o1', 'ok')
  const client = await chat.enter()
  await client.ask('q1', 'ok')
  client.fresh()
  await client.ask('q2', '   ')
  await client.ask('q2', 'x'.repeat(11))
  await client.ask('q2', 'ok')
  assert.equal(brief(client.fresh()), ['error q2 empty', 'error q2 too_long', 'error q2 busy'])

  const third = await chat.enter()
  third.fresh()
  await third.ask('t1', '')
  await third.ask('t1', 'ok')
  assert.equal(brief(third.fresh()), ['error t1 empty', 'error t1 overloaded'])
  assert.is(chat.buckets.taken, 2, 'a question without a stream costs no token')

  for (const call of chat.model.calls) call.end()
  await calm()
  chat.wallet.refusal = { cause: 'day', retryAfterMs: 5000 }
  await third.ask('t1', 'ok')
  await third.ask('t1', 'ok')
  await third.ask('t1', 'ok')
  assert.equal(brief(third.fresh()), [
    'error t1 budget_exhausted',
    'error t1 budget_exhausted',
    'error t1 rate_limited',
  ])
  assert.is(chat.model.calls.length, 2)
  for (const each of [client, other, third]) await each.drop()
  assertIdle(chat)
})

test('[ASK7] [ASK8] the wallet’s and the stores’ refusals have their codes and say how long to wait', async () => {
  const chat = createChat()
  const client = await chat.enter()
  client.fresh()
  for (const cause of ['store', 'too_large', 'share', 'halted'] as const) {
    chat.wallet.refusal = { cause, ...(cause === 'share' && { retryAfterMs: 7000 }) }
    await client.ask('q1')
  }
  chat.buckets.broken = true
  await client.ask('q1')
  assert.equal(brief(client.received.slice(1)), [
    'error q1 overloaded',
    'error q1 too_long',
    'error q1 budget_exhausted',
    'error q1 budget_exhausted',
    'error q1 overloaded',
  ])
  const waits = client.received.map((message) => message.type === 'error' && message.retryAfterMs)
  assert.equal(waits, [false, undefined, undefined, 7000, undefined, undefined])
  assert.is(chat.model.calls.length, 0)
  assert.is(chat.store.calls.length, 0, 'a refused question is not stored')
  await client.drop()
  assertIdle(chat)
})

test('[ASK4] a refused ask does not use its id', async () => {
  const chat = createChat()
  const client = await chat.enter()
  chat.wallet.refusal = { cause: 'day' }
  await client.ask('q1')
  chat.wallet.refusal = undefined
  client.fresh()
  await client.ask('q1', 'Une autre question')
  chat.model.last().say('Oui.')
  chat.model.last().end()
  await calm()
  assert.equal(brief(client.fresh()), ['start q1 model', 'delta q1 0 "Oui."', 'done q1 complete 4'])
})

test('[ASK5] the same id never pays twice: finished, streaming, from another socket, whatever its text', async () => {
  const chat = createChat()
  const one = await chat.enter()
  await one.ask('q1')
  chat.model.last().say('Bon')
  await calm()
  const two = await chat.enter(one.session)
  one.fresh()
  two.fresh()
  await two.ask('q1', '')
  assert.equal(brief(two.fresh()), ['start q1 model', 'delta q1 0 "Bon"'])
  assert.equal(brief(one.fresh()), [], 'a replay goes to the socket that asked')
  chat.model.last().say('jour')
  chat.model.last().end()
  await calm()
  for (const client of [one, two]) assert.equal(brief(client.fresh()), ['delta q1 3 "jour"', 'done q1 complete 7'])
  await one.ask('q1', 'x'.repeat(5000))
  assert.equal(brief(one.fresh()), ['start q1 model', 'delta q1 0 "Bonjour"', 'done q1 complete 7'])
  assert.equal([chat.model.calls.length, chat.wallet.holds.length, chat.buckets.taken], [1, 1, 1])
})

test('[ASK5] the same id while it is being admitted joins in: one call, one end for each socket', async () => {
  const chat = createChat()
  const one = await chat.enter()
  const two = await chat.enter(one.session)
  chat.store.hold()
  await Promise.all([one.ask('q1'), one.ask('q1'), two.ask('q1')])
  chat.store.letGo()
  await calm()
  chat.model.last().say('Oui.')
  chat.model.last().end()
  await calm()
  for (const client of [one, two])
    assert.equal(brief(client.received.slice(1)), ['start q1 model', 'delta q1 0 "Oui."', 'done q1 complete 4'])
  assert.equal([chat.model.calls.length, chat.wallet.holds.length], [1, 1])
})

test('[ASK5] all sockets that asked for a refused id get one error each, and nobody else', async () => {
  const chat = createChat()
  const one = await chat.enter()
  const [two, three] = [await chat.enter(one.session), await chat.enter(one.session)]
  chat.wallet.refusal = { cause: 'day' }
  let go = () => {}
  const gate = new Promise<void>((resolve) => (go = resolve))
  chat.wallet.pace = () => gate
  await Promise.all([one.ask('q1'), two.ask('q1'), one.ask('q1')])
  go()
  await calm()
  const ends = [one, two, three].map((client) => brief(client.received.slice(1)))
  assert.equal(ends, [['error q1 budget_exhausted'], ['error q1 budget_exhausted'], []])
})

test('[ASK6] busy lasts while an answer is being admitted, streamed, and while nobody is there to read it', async () => {
  const chat = createChat()
  const one = await chat.enter()
  chat.store.hold()
  await one.ask('q1')
  await one.ask('q2')
  chat.store.letGo()
  await calm()
  await one.drop()
  const two = await chat.enter(one.session)
  await two.ask('q3')
  assert.equal(brief(one.received.slice(1)), ['error q2 busy', 'start q1 model'])
  assert.equal(brief(two.received.slice(1)), ['start q1 model', 'error q3 busy'])
  chat.model.last().end()
  await calm()
  await two.ask('q3')
  assert.is(brief(two.received).at(-1), 'start q3 model')
})

test('[SES1] every socket of the session sees the question and its answer; errors go to the asker alone', async () => {
  const chat = createChat()
  const one = await chat.enter()
  const two = await chat.enter(one.session)
  await one.ask('q1')
  await two.ask('q2')
  chat.model.last().say('Oui.')
  chat.model.last().end('length')
  await calm()
  assert.equal(brief(one.received.slice(1)), ['start q1 model', 'delta q1 0 "Oui."', 'done q1 length 4'])
  assert.equal(brief(two.received.slice(1)), [
    'start q1 model',
    'error q2 busy',
    'delta q1 0 "Oui."',
    'done q1 length 4',
  ])
})

test('[ASK9] the ends that the model gives are told as they are', async () => {
  const chat = createChat()
  const client = await chat.enter()
  for (const reason of ['complete', 'length', 'filtered', 'interrupted'] as const) {
    await client.ask(reason)
    chat.model.last().end(reason)
    await calm()
    assert.is(brief(client.fresh()).at(-1), `done ${reason} ${reason} 0`)
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

test('every ask leaves one line, with sizes and times only', async () => {
  const chat = createChat({ attempts: 1 })
  const client = await chat.enter()
  await client.ask('q1', 'Un secret ?')
  chat.clock.advance(300)
  chat.model.last().say('Oui.')
  await calm()
  chat.clock.advance(700)
  chat.model.last().end()
  await calm()
  chat.wallet.refusal = { cause: 'month' }
  await client.ask('q2')
  assert.equal(chat.lines, [
    {
      id: 'q1',
      outcome: 'complete',
      chars: 11,
      answerChars: 4,
      totalMs: 1000,
      attempts: 1,
      source: 'model',
      usage: USAGE,
      firstTextMs: 300,
    },
    { id: 'q2', outcome: 'budget_exhausted', chars: 13, answerChars: 0, totalMs: 0, attempts: 1, cause: 'month' },
  ])
  assert.is(textOf(client.received, 'q1'), 'Oui.')
})

test.run()
