import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { LinkEvents } from '../../client/connection.ts'
import { Talk } from '../../client/talk.ts'
import type { ClientMessage, ServerMessage } from '../../protocol/messages.ts'
import { parseClientMessage } from '../../protocol/parse.ts'
import { done, start, welcome } from '../browser/messages.ts'
import { manualClock } from '../helpers/manual-clock.ts'

type Work = { challenge: string; done(proof: string | undefined): void; cancelled: boolean }

/** A conversation whose server and whose worker the test plays; q1 has been asked and needs a proof. */
function setUp() {
  const clock = manualClock()
  const works: Work[] = []
  const sent: ClientMessage[] = []
  let events: LinkEvents | undefined
  let ids = 0
  const talk = new Talk({
    clock,
    lang: 'fr',
    random: () => 0,
    newId: () => `q${++ids}`,
    tokens: { load: () => undefined, save: () => {} },
    changed: () => {},
    solve(challenge, done) {
      const work = { challenge, done, cancelled: false }
      works.push(work)
      return () => {
        work.cancelled = true
      }
    },
    open(link) {
      events = link
      return {
        send(text) {
          const parsed = parseClientMessage(text)
          if (parsed.ok && parsed.message.type !== 'hello') sent.push(parsed.message)
        },
        close: () => {},
      }
    },
  })
  const say = (...messages: ServerMessage[]) => {
    for (const message of messages) events?.text(JSON.stringify(message))
  }
  const connect = () => {
    talk.connection.wake()
    clock.advance(10_000)
    events?.opened()
    say(welcome())
  }
  const challenge = (text: string, id = `q${ids}`) =>
    say({ type: 'error', code: 'proof_required', message: 'Vérification', id, challenge: text })
  const fresh = () => sent.splice(0)
  connect()
  talk.ask('Vos prix ?')
  fresh()
  challenge('C1')
  return { talk, works, say, connect, challenge, fresh, lose: () => events?.closed(1006) }
}

const ask = (id: string, proof?: string) => ({
  type: 'ask',
  id,
  text: 'Vos prix ?',
  ...(proof !== undefined && { proof }),
})

test('[PRF1] the same id is asked again with the proof', () => {
  const { talk, works, fresh, say } = setUp()
  assert.equal([works.map((work) => work.challenge), talk.chat.turns[0]?.checking], [['C1'], true])
  works[0]?.done('P1')
  assert.equal(fresh(), [ask('q1', 'P1')])
  say(start('q1', 'Vos prix ?'), done('q1', 0))
  assert.is(talk.chat.turns[0]?.state, 'complete')
})

test('[PRF2] a new challenge begins a new work, at most three times; then the question is refused', () => {
  const { talk, works, challenge, fresh } = setUp()
  for (const text of ['C2', 'C3']) {
    works.at(-1)?.done('P')
    challenge(text)
  }
  works.at(-1)?.done('P')
  challenge('C4')
  assert.equal([works.map((work) => work.challenge), fresh().length], [['C1', 'C2', 'C3'], 3])
  assert.equal([talk.chat.turns, talk.chat.draft, talk.chat.notice], [[], 'Vos prix ?', 'Vérification'])
  talk.ask('Vos prix ?')
  challenge('C5')
  assert.is(works.at(-1)?.challenge, 'C5', 'another question has its own three')
})

test('a work that fails refuses the question', () => {
  const { talk, works, fresh } = setUp()
  works[0]?.done(undefined)
  assert.equal([fresh(), talk.chat.turns, talk.chat.draft], [[], [], 'Vos prix ?'])
})

test('stop ends the work and gives the question back; nothing is sent', () => {
  const { talk, works, fresh } = setUp()
  talk.stop()
  assert.equal([works[0]?.cancelled, talk.chat.turns, talk.chat.draft], [true, [], 'Vos prix ?'])
  assert.equal(fresh(), [])
})

test('a connection lost meanwhile: the question waits for its proof, and goes with it', () => {
  const { works, connect, lose, fresh } = setUp()
  lose()
  connect()
  assert.equal(fresh(), [], 'not without its proof')
  works[0]?.done('P1')
  assert.equal(fresh(), [ask('q1', 'P1')])
})

test('a work done while there is no connection is sent with the next', () => {
  const { works, connect, lose, fresh } = setUp()
  lose()
  works[0]?.done('P1')
  assert.equal(fresh(), [])
  connect()
  assert.equal(fresh(), [ask('q1', 'P1')])
})

test('forgetting ends the work', () => {
  const { works, say } = setUp()
  say({ type: 'forgotten' })
  assert.ok(works[0]?.cancelled)
})

test('a challenge for another question is none of ours', () => {
  const { works, challenge } = setUp()
  challenge('C9', 'q9')
  assert.equal([works.length, works[0]?.cancelled], [1, false])
})

test.run()
