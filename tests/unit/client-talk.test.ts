import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ChatTurn } from '../../client/chat.ts'
import type { LinkEvents } from '../../client/connection.ts'
import { Talk } from '../../client/talk.ts'
import type { ClientMessage, ServerMessage } from '../../protocol/messages.ts'
import { parseClientMessage } from '../../protocol/parse.ts'
import { delta, done, start, turn, welcome } from '../browser/messages.ts'
import { manualClock } from '../helpers/manual-clock.ts'

type Socket = { events: LinkEvents; sent: ClientMessage[]; closed: boolean }

/** A conversation without a page; the test plays the server, and what is sent must be well formed. */
function setUp(stored?: string) {
  const clock = manualClock()
  const sockets: Socket[] = []
  const kept = { token: stored }
  let ids = 0
  const talk = new Talk({
    clock,
    lang: 'fr',
    random: () => 0,
    newId: () => `q${++ids}`,
    solve: () => () => {},
    tokens: {
      load: () => kept.token,
      save(token) {
        kept.token = token
      },
    },
    changed: () => {},
    open(events) {
      const socket: Socket = { events, sent: [], closed: false }
      sockets.push(socket)
      return {
        send(text) {
          const parsed = parseClientMessage(text)
          if (parsed.ok) socket.sent.push(parsed.message)
          else assert.unreachable(parsed.reason)
        },
        close: () => {
          socket.closed = true
        },
      }
    },
  })
  const socket = () => sockets.at(-1) ?? assert.unreachable('no socket')
  const say = (...messages: ServerMessage[]) => {
    for (const message of messages) socket()?.events.text(JSON.stringify(message))
  }
  const connect = (over: Parameters<typeof welcome>[0] = {}) => {
    talk.connection.wake()
    clock.advance(10_000)
    socket()?.events.opened()
    say(welcome(over))
  }
  const lose = () => socket()?.events.closed(1006)
  const sent = () => socket()?.sent ?? []
  const only = (): ChatTurn | undefined => talk.chat.turns[0]
  return { clock, talk, sockets, kept, say, connect, lose, sent, only }
}

const hello = { type: 'hello', lang: 'fr' } as const

test('[ASK1] a question is asked, answered and kept; the token is stored once it is admitted', () => {
  const { talk, connect, say, sent, kept, only } = setUp()
  connect()
  assert.equal(sent(), [hello])
  talk.typed('  Vos prix ? ')
  assert.ok(talk.submit())
  assert.equal(sent()[1], { type: 'ask', id: 'q1', text: 'Vos prix ?' })
  assert.is(talk.chat.draft, '')
  assert.is(only()?.state, 'asking')
  assert.is(kept.token, undefined, 'nothing is stored before the question is admitted')
  say(start('q1', 'Vos prix ?'), delta('q1', 0, 'Dès '), delta('q1', 4, '300 €'), done('q1', 9))
  assert.is(kept.token, 'token-1')
  assert.equal([only()?.state, only()?.answer], ['complete', 'Dès 300 €'])
})

test('one question at a time; the draft waits', () => {
  const { talk, connect, sent } = setUp()
  connect()
  talk.ask('a')
  talk.typed('b')
  assert.not(talk.submit())
  assert.is(talk.chat.draft, 'b')
  assert.is(sent().length, 2)
})

test('an empty or too long text is not sent; what the server refuses in a text is replaced', () => {
  const { talk, connect, sent } = setUp()
  connect({ limits: { maxChars: 5, askBurst: 1, asksPerMinute: 1 } })
  assert.not(talk.ask(' \n '))
  assert.not(talk.ask('123456'))
  assert.ok(talk.ask('a\u0000b\u000b\ud800'))
  assert.equal(sent()[1], { type: 'ask', id: 'q1', text: 'a b' })
})

test('a question asked without a connection is sent after the welcome, and stop gives it back', () => {
  const { talk, connect, sent, lose } = setUp()
  connect()
  lose()
  talk.typed('a')
  talk.submit()
  talk.stop()
  assert.equal([talk.chat.draft, talk.chat.turns.length], ['a', 0])
  talk.submit()
  connect()
  assert.equal(sent().slice(1), [{ type: 'ask', id: 'q2', text: 'a' }])
})

test('[ASK] an ask whose fate is unknown is sent again under its id, unless the server has it', () => {
  const { talk, connect, sent, lose, only } = setUp()
  connect()
  talk.ask('a')
  lose()
  connect({ resumed: true })
  assert.equal(sent()[1], { type: 'ask', id: 'q1', text: 'a' })
  lose()
  connect({ resumed: true, turns: [turn('q1', 'a', '', { state: 'streaming' })] })
  assert.equal(sent().length, 1)
  assert.is(only()?.state, 'streaming')
})

test('[RES2] a drop at any chunk resumes exactly', () => {
  const chunks = fc.array(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(chunks, fc.array(fc.nat(11)), (parts, drops) => {
      const { talk, connect, say, sent, lose, only } = setUp()
      const whole = parts.join('')
      connect()
      talk.ask('a')
      say(start('q1', 'a'))
      let offset = 0
      for (const [i, part] of parts.entries()) {
        say(delta('q1', offset, part))
        offset += part.length
        if (!drops.includes(i)) continue
        lose()
        connect({ resumed: true, turns: [turn('q1', 'a', '', { state: 'streaming' })] })
        assert.equal(sent(), [{ ...hello, session: 'token-1', answer: { id: 'q1', offset } }])
        say(start('q1', 'a'))
      }
      say(done('q1', whole.length))
      assert.equal([only()?.answer, only()?.state], [whole, 'complete'])
    }),
    { numRuns: 100 },
  )
})

test('[RES] what was finished meanwhile is there after the welcome, and its replay doubles nothing', () => {
  const { talk, connect, say, lose, only } = setUp()
  connect()
  talk.ask('a')
  say(start('q1', 'a'), delta('q1', 0, 'Bon'))
  lose()
  connect({ resumed: true, turns: [turn('q1', 'a', 'Bonjour')] })
  assert.is(only()?.answer, 'Bonjour')
  say(start('q1', 'a'), delta('q1', 3, 'jour'), done('q1', 7))
  assert.equal([only()?.answer, only()?.state], ['Bonjour', 'complete'])
})

test('[RES] text kept by the server may be shorter than ours: ours is cut to its offset', () => {
  const { talk, connect, say, lose, only } = setUp()
  connect()
  talk.ask('a')
  say(start('q1', 'a'), delta('q1', 0, 'Bonjour marin'))
  lose()
  connect({ resumed: true, turns: [turn('q1', 'a', '', { state: 'streaming' })] })
  say(start('q1', 'a'), delta('q1', 0, 'Bonjour'), done('q1', 7))
  assert.is(only()?.answer, 'Bonjour')
})

test('[RES] a gap is never drawn: the session is taken up again from where the text is whole', () => {
  const { talk, connect, say, sockets, sent, only } = setUp()
  connect()
  talk.ask('a')
  say(start('q1', 'a'), delta('q1', 0, 'Bon'), delta('q1', 4, 'our'))
  assert.is(only()?.answer, 'Bon')
  assert.ok(sockets[0]?.closed)
  connect({ resumed: true, turns: [turn('q1', 'a', '', { state: 'streaming' })] })
  assert.equal(sent()[0], { ...hello, session: 'token-1', answer: { id: 'q1', offset: 3 } })
  assert.not(talk.chat.gap)
})

test('[RES] a length that proves a loss fetches the answer anew, once; then the end says that it is not whole', () => {
  const { talk, connect, say, sent, sockets, only } = setUp()
  connect()
  talk.ask('a')
  say(start('q1', 'a'), delta('q1', 0, 'Bon'), done('q1', 7))
  connect({ resumed: true, turns: [turn('q1', 'a', '', { state: 'streaming' })] })
  assert.equal(sent()[0], { ...hello, session: 'token-1', answer: { id: 'q1', offset: 0 } })
  say(start('q1', 'a'), delta('q1', 0, 'Bon'), done('q1', 7))
  assert.equal([only()?.answer, only()?.state], ['Bon', 'interrupted'])
  assert.is(sockets.length, 2)
})

test('[RES] a wrong length that stays wrong is no reason to come back for ever', () => {
  const { talk, connect, say, sockets, only } = setUp()
  connect()
  talk.ask('a')
  say(start('q1', 'a'), delta('q1', 0, 'Bon'), done('q1', 7))
  connect({ resumed: true, turns: [turn('q1', 'a', 'Bon')] })
  say(start('q1', 'a'), delta('q1', 0, 'Bon'), done('q1', 7))
  assert.equal([only()?.state, sockets.length], ['interrupted', 2])
})

test('[RES] a session that is gone leaves only what the visitor still waits for', () => {
  const { talk, connect, say, lose, kept } = setUp('token-0')
  connect({ resumed: true, session: 'token-0', turns: [turn('old', 'x', 'y')] })
  talk.ask('a')
  say(start('q1', 'a'), delta('q1', 0, 'Bon'))
  lose()
  connect({ session: 'token-2' })
  assert.equal(
    talk.chat.turns.map(({ id, state }) => [id, state]),
    [['q1', 'interrupted']],
  )
  assert.is(kept.token, undefined)
})

test('[STO1] stop is sent once its answer has begun, and again after a drop', () => {
  const { talk, connect, say, sent, lose, only } = setUp()
  connect()
  talk.ask('a')
  talk.stop()
  assert.is(sent().length, 2, 'the server may not know the id yet')
  say(start('q1', 'a'))
  assert.equal(sent()[2], { type: 'stop', id: 'q1' })
  lose()
  connect({ resumed: true, turns: [turn('q1', 'a', '', { state: 'streaming' })] })
  say(start('q1', 'a'))
  assert.equal(sent()[1], { type: 'stop', id: 'q1' })
  say({ type: 'done', id: 'q1', reason: 'stopped', length: 0 })
  assert.is(only()?.state, 'stopped')
})

test('[LIM] rate limited: the draft comes back, asking waits out the time, and then goes', () => {
  const { talk, connect, say, clock } = setUp()
  connect()
  talk.typed('a')
  talk.submit()
  say({ type: 'error', code: 'rate_limited', id: 'q1', message: 'Doucement', retryAfterMs: 7_000 })
  assert.equal([talk.chat.draft, talk.chat.turns.length, talk.chat.notice], ['a', 0, 'Doucement'])
  clock.advance(6_999)
  assert.not(talk.submit())
  clock.advance(2)
  assert.equal([talk.chat.blockedUntil, talk.chat.notice], [0, undefined])
  assert.ok(talk.submit())
})

test('[LIM] a refused question never overwrites a newer draft', () => {
  const { talk, connect, say } = setUp()
  connect()
  talk.ask('a')
  talk.typed('b')
  say({ type: 'error', code: 'rate_limited', id: 'q1', message: 'Doucement', retryAfterMs: 1_000 })
  assert.equal([talk.chat.draft, talk.chat.turns[0]?.state, talk.chat.turns[0]?.error], ['b', 'failed', 'Doucement'])
})

test('a model that fails leaves the question with its reason; retry asks it under a new id and keeps the draft', () => {
  const { talk, connect, say, sent } = setUp()
  connect()
  talk.ask('a')
  say({ type: 'error', code: 'model_unavailable', id: 'q1', message: 'En panne', retryAfterMs: 9e6 })
  assert.is(talk.chat.turns[0]?.error, 'En panne')
  assert.not(talk.blocked, 'hours do not lock the composer')
  talk.typed('b')
  assert.ok(talk.retry('q1'))
  assert.equal(sent()[2], { type: 'ask', id: 'q2', text: 'a' })
  assert.equal([talk.chat.turns.length, talk.chat.draft], [1, 'b'])
})

test('[ASK] a second tab sees the question and its answer', () => {
  const { connect, say, only } = setUp()
  connect()
  say(start('other', 'Une question'), delta('other', 0, 'Oui'), done('other', 3))
  assert.equal([only()?.question, only()?.answer, only()?.state], ['Une question', 'Oui', 'complete'])
})

test('[FOR1] forget is kept until it can be said, and empties all but the draft', () => {
  const { talk, connect, say, sent, lose, kept } = setUp()
  connect()
  talk.ask('a')
  say(start('q1', 'a'), delta('q1', 0, 'Oui'), done('q1', 3))
  lose()
  talk.typed('brouillon')
  talk.forget()
  assert.not(talk.submit(), 'nothing is asked of a conversation that is going')
  connect({ resumed: true, turns: [turn('q1', 'a', 'Oui')] })
  assert.equal(sent()[1], { type: 'forget' })
  say({ type: 'forgotten' }, welcome({ session: 'token-2' }))
  assert.equal([talk.chat.turns.length, talk.chat.draft, talk.chat.session], [0, 'brouillon', 'token-2'])
  assert.is(kept.token, undefined)
})

test('[FOR1] another tab forgot while this one slept', () => {
  const { talk, connect, say, lose } = setUp()
  connect()
  say(start('q1', 'a'), delta('q1', 0, 'Oui'), done('q1', 3))
  lose()
  talk.forgotten('token-9')
  assert.is(talk.chat.turns.length, 1, 'another conversation than ours')
  talk.forgotten('token-1')
  assert.is(talk.chat.turns.length, 0)
})

test('a draft outlives reconnects, errors and answers', () => {
  const { talk, connect, say, lose } = setUp()
  connect()
  talk.typed('mon brouillon')
  talk.ask('une puce')
  say(start('q1', 'une puce'))
  lose()
  connect({ session: 'token-5' })
  say({ type: 'error', code: 'internal', message: 'Aïe' })
  assert.is(talk.chat.draft, 'mon brouillon')
})

test.run()
