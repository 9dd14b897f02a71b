import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ServerMessage } from '../../protocol/messages.ts'
import { RETRY_MS } from '../../server/chat/registry.ts'
import { assertIdle, brief, calm, createChat, finished, TTL_MS, textOf } from '../helpers/chat.ts'

const CHUNKS = ['Bon', 'jour 🚲', ' ', 'mar', 'in 🌊🌊', '!']
const TEXT = CHUNKS.join('')

/** What a client keeps while its socket comes and goes: each delta is cut to where the text has come. */
function assemble(text: string, messages: readonly ServerMessage[]): string {
  for (const m of messages) {
    if (m.type !== 'delta') continue
    assert.ok(m.offset <= text.length, 'nothing is missing')
    text = text.slice(0, m.offset) + m.text
  }
  return text
}

for (let at = 0; at <= CHUNKS.length; at++)
  test(`[RES1] a drop before chunk ${at} resumes exactly, with one call`, async () => {
    const chat = createChat()
    let client = await chat.enter()
    const { session } = client
    await client.ask('q1')
    const call = chat.model.last()
    call.say(...CHUNKS.slice(0, at))
    await calm()
    let text = assemble('', client.received)
    await client.drop()
    call.say(...CHUNKS.slice(at, at + 1))
    await calm()
    client = await chat.enter(session, { id: 'q1', offset: text.length })
    assert.is(brief(client.received)[1], 'start q1 model')
    assert.ok(
      client.received.every((m) => m.type !== 'delta' || m.offset >= text.length),
      'nothing comes twice',
    )
    call.say(...CHUNKS.slice(at + 1))
    call.end()
    await calm()
    text = assemble(text, client.received)
    assert.is(text, TEXT)
    assert.is(brief(client.received).at(-1), `done q1 complete ${TEXT.length}`)
    assert.is(chat.model.calls.length, 1)
    await client.drop()
    assertIdle(chat)
  })

test('[RES2] without an offset a streaming answer is replayed from 0, after a welcome where it is empty', async () => {
  const chat = createChat()
  const one = await chat.enter()
  await one.ask('q1')
  chat.model.last().say('Bon', 'jour')
  await one.drop()
  const two = await chat.enter(one.session)
  const [welcome] = two.received
  assert.equal(welcome?.type === 'welcome' && welcome.turns.map(({ answer, state }) => [answer, state]), [
    ['', 'streaming'],
  ])
  assert.equal(brief(two.received).slice(1), ['start q1 model', 'delta q1 0 "Bonjour"'])
})

test('[RES2] who comes between admission and start, or between the last text and done, misses nothing', async () => {
  const chat = createChat()
  const one = await chat.enter()
  chat.store.hold()
  await one.ask('q1')
  const two = await chat.enter(one.session)
  chat.store.letGo()
  await calm()
  chat.store.hold()
  chat.model.last().say('Bon')
  chat.model.last().end()
  await calm()
  const three = await chat.enter(one.session)
  chat.store.letGo()
  await calm()
  const answer = ['start q1 model', 'delta q1 0 "Bon"', 'done q1 complete 3']
  assert.equal(brief(two.received), ['welcome resumed', ...answer])
  assert.equal(brief(three.received), ['welcome resumed q1:streaming', ...answer])
})

test('[RES3] a finished turn that hello names is replayed from every offset; inside a pair it steps back', async () => {
  const chat = createChat()
  const session = await finished(chat, TEXT)
  for (let offset = 0; offset <= TEXT.length; offset++) {
    const client = await chat.enter(session, { id: 'q1', offset })
    const from = offset > 0 && TEXT.codePointAt(offset - 1) !== TEXT.charCodeAt(offset - 1) ? offset - 1 : offset
    assert.is(textOf(client.received, 'q1', from), TEXT.slice(from))
    const delta = from < TEXT.length ? [`delta q1 ${from} ${JSON.stringify(TEXT.slice(from))}`] : []
    assert.equal(brief(client.received).slice(1), ['start q1 model', ...delta, `done q1 complete ${TEXT.length}`])
    await client.drop()
  }
  assertIdle(chat)
})

test('[RES3] another turn than the streaming one is named: both are replayed', async () => {
  const chat = createChat()
  const one = await chat.enter()
  await one.ask('q1')
  chat.model.last().say('Un.')
  chat.model.last().end()
  await calm()
  await one.ask('q2')
  chat.model.last().say('De')
  await calm()
  const two = await chat.enter(one.session, { id: 'q1', offset: 2 })
  assert.equal(brief(two.received), [
    'welcome resumed q1:complete q2:streaming',
    'start q1 model',
    'delta q1 2 "."',
    'done q1 complete 3',
    'start q2 model',
    'delta q2 0 "De"',
  ])
})

test('[RES4] an offset past the kept text replays from 0', async () => {
  const chat = createChat()
  const session = await finished(chat, TEXT)
  for (const offset of [TEXT.length + 1, Number.MAX_SAFE_INTEGER]) {
    const client = await chat.enter(session, { id: 'q1', offset })
    assert.is(textOf(client.received, 'q1'), TEXT)
  }
})

test('[RES5] an unknown answer id is ignored; a malformed offset is a bad message, and hello may come again', async () => {
  const chat = createChat()
  const session = await finished(chat, TEXT)
  const client = chat.connect()
  for (const offset of [-1, 0.5, 2 ** 53]) await client.send({ type: 'hello', session, answer: { id: 'q1', offset } })
  assert.equal(brief(client.fresh()), ['error - bad_message', 'error - bad_message', 'error - bad_message'])
  await client.send({ type: 'hello', session, answer: { id: 'q7', offset: 3 } })
  assert.equal(brief(client.fresh()), ['welcome resumed q1:complete'])
})

test('[SES2] at most 50 turns are kept; the ids of those that went are neither new nor replayed', async () => {
  const chat = createChat()
  const client = await chat.enter()
  for (let i = 0; i < 52; i++) {
    await client.ask(`q${i}`)
    chat.model.last().end()
    await calm()
  }
  const other = await chat.enter(client.session)
  const [welcome] = other.received
  const ids = welcome?.type === 'welcome' ? welcome.turns.map(({ id }) => id) : []
  assert.equal([ids.length, ids[0], ids.at(-1)], [50, 'q2', 'q51'])
  client.fresh()
  await client.ask('q1')
  await client.ask('q2')
  await client.send({ type: 'stop', id: 'q1' })
  assert.equal(brief(client.fresh()), ['error q1 bad_message', 'start q2 model', 'done q2 complete 0'])
  assert.is(chat.model.calls.length, 52)
  for (const each of [client, other]) await each.drop()
  assertIdle(chat)
  const back = await chat.enter(client.session)
  const [again] = back.received
  assert.is(again?.type === 'welcome' && again.turns.length, 50)
  await back.ask('q52')
  assert.is(brief(back.received).at(-1), 'start q52 model')
  assert.is(chat.store.calls.at(-1), 'trim 3')
})

test('[SES2] [FOR1] after forget the ids of turns that went are new again', async () => {
  const chat = createChat()
  const client = await chat.enter()
  for (let i = 0; i < 51; i++) {
    await client.ask(`q${i}`)
    chat.model.last().end()
    await calm()
  }
  await client.send({ type: 'forget' })
  await client.ask('q0')
  assert.is(brief(client.received).at(-1), 'start q0 model')
})

test('[SES2] at most 64 Ki units are kept', async () => {
  const chat = createChat()
  const client = await chat.enter()
  for (const id of ['q1', 'q2', 'q3']) {
    await client.ask(id, '?')
    chat.model.last().say('x'.repeat(30_000))
    chat.model.last().end()
    await calm()
  }
  await client.drop()
  const back = await chat.enter(client.session)
  await back.ask('q4', 'y'.repeat(1000))
  assert.equal(brief(back.received), ['welcome resumed q2:complete q3:complete', 'start q4 model'])
  chat.model.last().say('x'.repeat(70_000))
  chat.model.last().end()
  await calm()
  await back.ask('q3')
  assert.is(brief(back.received).at(-1), 'error q3 bad_message')
  await back.drop()
  const later = await chat.enter(client.session)
  assert.equal(brief(later.received), ['welcome resumed q4:complete'], 'the last one always stays')
})

test('[SES3] from the store: turns as they were told, what a dead process left streaming is interrupted', async () => {
  const chat = createChat()
  const session = await finished(chat, 'Oui.')
  const client = await chat.enter(session)
  await client.ask('q2')
  const other = createChat()
  other.store.load = chat.store.load
  const back = await other.enter(session)
  assert.equal(brief(back.received), ['welcome resumed q1:complete q2:interrupted'])
})

test('[SES3] damaged turns are left out, and new ones take their places', async () => {
  const chat = createChat()
  const client = await chat.enter()
  for (const id of ['q1', 'q2', 'q3']) {
    await client.ask(id)
    chat.model.last().end()
    await calm()
  }
  await client.drop()
  const { load } = chat.store
  chat.store.load = async (key) => {
    const kept = await load(key)
    if (kept?.at === 'here') for (const n of [0, 2]) kept.blobs[n]?.fill(7, 20)
    return kept
  }
  const back = await chat.enter(client.session)
  assert.equal(brief(back.received), ['welcome resumed q2:complete'])
  await back.ask('q4')
  assert.is(chat.store.calls.at(-1), 'put 2')
})

test('[SES3] a session expires after its last ask’s time to live', async () => {
  const chat = createChat()
  const session = await finished(chat, TEXT)
  chat.clock.advance(TTL_MS - 1)
  const client = await chat.enter(session)
  assert.is(brief(client.received)[0], 'welcome resumed q1:complete')
  await client.drop()
  chat.clock.advance(1)
  assert.is(brief((await chat.enter(session)).received)[0], 'welcome new')
  assert.is(await chat.registry.sweep(), 0)
})

test('[SES3] a turn that the store refused is kept in memory, and stored when it is back', async () => {
  const chat = createChat()
  const client = await chat.enter()
  await client.ask('q1')
  chat.store.broken = true
  chat.model.last().say('Oui.')
  chat.model.last().end()
  await calm()
  assert.is(brief(client.received).at(-1), 'done q1 complete 4')
  await client.drop()
  assert.is(chat.registry.size, 1)
  const back = await chat.enter(client.session)
  assert.equal(brief(back.received), ['welcome resumed q1:complete'])
  chat.store.broken = false
  await back.ask('q2')
  chat.model.last().end()
  await calm()
  await back.drop()
  // It looked once more for what the store refused.
  chat.clock.advance(RETRY_MS)
  assertIdle(chat)
  const later = await chat.enter(client.session, { id: 'q1', offset: 0 })
  assert.equal(brief(later.received), [
    'welcome resumed q1:complete q2:complete',
    'start q1 model',
    'delta q1 0 "Oui."',
    'done q1 complete 4',
  ])
})

test('[SES3] nobody comes back: what the store refused is stored soon after it works again, and let go', async () => {
  const chat = createChat()
  const client = await chat.enter()
  chat.store.broken = true
  await client.ask('q1')
  chat.model.last().say('Oui.')
  chat.model.last().end()
  await client.drop()
  await calm()
  await chat.registry.sweep().catch(() => undefined)
  for (let tries = 0; tries < 3; tries++) {
    chat.clock.advance(RETRY_MS)
    await calm()
    assert.is(chat.registry.size, 1)
  }
  chat.store.broken = false
  chat.clock.advance(RETRY_MS)
  await calm()
  assertIdle(chat)
  assert.equal(brief((await chat.enter(client.session)).received), ['welcome resumed q1:complete'])
})

test.run()
