import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { closes } from '../../protocol/closes.ts'
import { assertIdle, brief, calm, createChat, textOf } from '../helpers/chat.ts'
import { USAGE } from '../helpers/scripted-model.ts'

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

test('[ASK7] what is asked of the model waits until the hold is safe; without that the visitor is refused', async () => {
  const chat = createChat({ fallback: 'Nos notes.' })
  const client = await chat.enter()
  const safe = Promise.resolve(false)
  chat.wallet.safe = safe
  await client.ask('q1')
  assert.is(chat.model.last().request.ready, safe)
  chat.model.last().fail({ kind: 'store', billing: 'free', retryable: false })
  await calm()
  assert.equal(brief(client.received), ['welcome new', 'start q1 model', 'error q1 overloaded'])
  assert.equal(chat.wallet.holds[0]?.outcomes, [{ kind: 'free' }])
  assert.is(chat.lines[0]?.cause, 'store')
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

test('[LIM7] ten replays at once and ten a second, on each socket; more end that socket, and the turn stays', async () => {
  const chat = createChat()
  const one = await chat.enter()
  await one.ask('q1')
  chat.model.last().say('Bonjour')
  chat.model.last().end()
  await calm()
  const two = await chat.enter(one.session)
  for (let i = 0; i < 10; i++) await one.ask('q1')
  chat.clock.advance(100)
  await one.ask('q1')
  assert.is(one.closes[0], undefined)
  one.fresh()
  await one.ask('q1')
  assert.equal([brief(one.fresh()), one.closes[0]], [[], closes.flooding.code])
  two.fresh()
  await two.ask('q1')
  assert.equal(brief(two.fresh()), ['start q1 model', 'delta q1 0 "Bonjour"', 'done q1 complete 7'])
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
