import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { closes } from '../../protocol/closes.ts'
import { assertIdle, brief, calm, createChat, finished } from '../helpers/chat.ts'

const HELLO = { type: 'hello' } as const

test('[HEL1] [HEL3] hello opens a new session, also with a token that is unknown, malformed or another’s in part', async () => {
  const chat = createChat()
  const known = await chat.enter()
  await known.ask('q1')
  const tokens = [
    '',
    'x',
    `lm_${'A'.repeat(43)}`,
    known.session.slice(0, -1),
    `${known.session}x`,
    ` ${known.session}`,
    '__proto__',
  ]
  for (const session of tokens) {
    const client = await chat.enter(session)
    assert.equal(brief(client.received), ['welcome new'])
    assert.not.ok(tokens.includes(client.session))
    await client.drop()
  }
  assert.is(chat.registry.size, 1)
})

test('[HEL2] what comes before hello is hello_first; a second hello is a bad message', async () => {
  const chat = createChat()
  const client = chat.connect()
  await client.ask('q1')
  await client.send({ type: 'stop', id: 'q1' })
  await client.send({ type: 'forget' })
  await client.send(HELLO)
  await client.send(HELLO)
  assert.equal(brief(client.received), [
    'error q1 hello_first',
    'error q1 hello_first',
    'error - hello_first',
    'welcome new',
    'error - bad_message',
  ])
  assert.equal(chat.refused, ['hello_first', 'hello_first', 'hello_first', 'bad_message'])
})

test('[HEL5] sentences come in the language of hello', async () => {
  const chat = createChat()
  const client = chat.connect()
  await client.raw('?')
  await client.send({ ...HELLO, lang: 'en' })
  await client.raw('?')
  const said = client.received.flatMap((message) => (message.type === 'error' ? [message.message] : []))
  assert.equal(said, ['fr: bad_message', 'en: bad_message'])
})

test('[HEL6] what follows hello at once is heard after welcome, in order', async () => {
  const chat = createChat()
  const session = await finished(chat)
  chat.store.hold()
  const client = await chat.enter(session)
  await client.ask('q2')
  await client.send({ type: 'stop', id: 'q2' })
  await client.send({ type: 'stop', id: 'q9' })
  assert.equal(client.received, [])
  chat.store.letGo()
  await calm()
  assert.equal(brief(client.received), [
    'welcome resumed q1:complete',
    'error q9 bad_message',
    'start q2 model',
    'done q2 stopped 0',
  ])
})

test('[HEL6] what waits is bounded, and after the close none of it is heard', async () => {
  const chat = createChat()
  const session = await finished(chat)
  chat.store.hold()
  const client = await chat.enter(session)
  for (let i = 0; i < 61; i++) await client.ask(`n${i}`)
  assert.equal(client.closes, [closes.flooding.code])
  chat.store.letGo()
  await calm()
  assert.is(chat.model.calls.length, 1)
  await client.drop()
  assertIdle(chat)
})

test('[CLO1] five messages that can’t be heard end the connection, and nothing after them counts', async () => {
  const chat = createChat()
  const session = await finished(chat)
  chat.store.hold()
  const client = await chat.enter(session)
  await Promise.all([1, 2, 3, 4, 5].map((i) => client.send({ type: 'stop', id: `s${i}` })))
  await client.ask('q2')
  chat.store.letGo()
  await calm()
  assert.equal(
    brief(client.received).slice(1),
    [1, 2, 3, 4, 5].map((i) => `error s${i} bad_message`),
  )
  assert.equal(client.closes, [closes.notThisProtocol.code])
  assert.is(chat.model.calls.length, 1)
  await client.drop()
  assertIdle(chat)
})

test('a store that can’t be read closes with overloaded; once it is back the session is found', async () => {
  const chat = createChat()
  const session = await finished(chat)
  chat.store.broken = true
  const client = await chat.enter(session)
  assert.equal([client.closes, client.received], [[closes.overloaded.code], []])
  await client.drop()
  assertIdle(chat)
  chat.store.broken = false
  assert.equal(brief((await chat.enter(session)).received), ['welcome resumed q1:complete'])
})

test.run()
