import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { AdminLink } from '../../client/admin/link.ts'
import type { LinkEvents } from '../../client/connection.ts'
import type { AdminServerMessage } from '../../protocol/admin.ts'
import { manualClock } from '../helpers/manual-clock.ts'

const welcome: AdminServerMessage = {
  type: 'welcome',
  protocol: 1,
  everyMs: 2000,
  about: { model: 'm', mode: 'demo', store: 'memory', currency: '', timeZone: 'UTC', startedAt: 0, pid: 1 },
  history: { at: [], connections: [], streams: [], firstP50: [], firstP95: [], questions: [], refused: [] },
}
const refusal = (code: 'wrong_token' | 'rate_limited', retryAfterMs?: number): AdminServerMessage => ({
  type: 'error',
  code,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
})

/** A link whose sockets the test holds the other end of; chance is always a half. */
function stage() {
  const clock = manualClock()
  const sockets: { events: LinkEvents; sent: string[]; closed: boolean }[] = []
  const statuses: string[] = []
  const refused: unknown[] = []
  const received: string[] = []
  const link = new AdminLink({
    clock,
    random: () => 0.5,
    open(events) {
      const socket = { events, sent: [] as string[], closed: false }
      sockets.push(socket)
      return {
        send: (text) => socket.sent.push(text),
        close() {
          socket.closed = true
        },
      }
    },
    received: ({ type }) => received.push(type),
    refused: (code, retryAfterMs) => refused.push([code, retryAfterMs]),
    changed: (status) => statuses.push(status),
  })
  const last = () => {
    const socket = sockets.at(-1)
    if (!socket) throw new Error('no socket was opened')
    return socket
  }
  const tell = (message: AdminServerMessage) => last().events.text(JSON.stringify(message))
  const enter = () => {
    link.enter('token')
    last().events.opened()
    tell(welcome)
  }
  return { clock, link, sockets, statuses, refused, received, last, tell, enter }
}

test('the token is the first thing said, and nothing is heard twice', () => {
  const { enter, last, statuses, received } = stage()
  enter()
  assert.equal(last().sent, ['{"type":"hello","token":"token"}'])
  assert.equal([statuses, received], [['connecting', 'live'], ['welcome']])
})

test('a lost connection comes back with the token: soon after a restart, later after others', () => {
  for (const [code, ms] of [
    [1012, 250],
    [1006, 250],
    [4429, 2500],
  ] as const) {
    const { enter, last, clock, sockets, statuses } = stage()
    enter()
    last().events.closed(code)
    clock.advance(ms - 1)
    assert.equal([sockets.length, statuses.at(-1)], [1, 'waiting'], String(code))
    clock.advance(1)
    last().events.opened()
    assert.equal([sockets.length, last().sent.length], [2, 1], String(code))
  }
})

test('a server that stays away is asked less and less often', () => {
  const { enter, last, clock, sockets } = stage()
  enter()
  for (let i = 0; i < 200; i++) {
    last().events.closed(1006)
    clock.advance(1000)
  }
  assert.ok(sockets.length > 8 && sockets.length < 25, `${sockets.length}`)
})

test('silence is a lost connection; what an old socket says late is not heard', () => {
  const { enter, clock, sockets, statuses, received } = stage()
  enter()
  clock.advance(15_000)
  assert.equal([statuses.at(-1), sockets[0]?.closed], ['waiting', true])
  sockets[0]?.events.text(JSON.stringify(welcome))
  assert.equal(received, ['welcome'])
  assert.is(statuses.at(-1), 'waiting')
})

test('a wrong token ends it, and so does one that was tried too often before it ever opened', () => {
  for (const message of [refusal('wrong_token'), refusal('wrong_token', 6000), refusal('rate_limited', 6000)]) {
    const { link, last, tell, refused, statuses, clock, sockets } = stage()
    link.enter('token')
    last().events.opened()
    tell(message)
    clock.advance(600_000)
    assert.equal([refused.length, statuses.at(-1), sockets.length, clock.pending()], [1, 'out', 1, 0])
  }
})

test('a right token that came back too often waits as long as it is told', () => {
  const { enter, last, tell, refused, clock, sockets } = stage()
  enter()
  last().events.closed(1012)
  clock.advance(250)
  last().events.opened()
  tell(refusal('rate_limited', 6000))
  clock.advance(6499)
  assert.equal([sockets.length, refused], [2, []])
  clock.advance(1)
  assert.is(sockets.length, 3)
})

test('who leaves is gone: nothing comes back', () => {
  const { enter, link, clock, sockets, last } = stage()
  enter()
  link.leave()
  assert.ok(last().closed)
  clock.advance(600_000)
  assert.equal([sockets.length, clock.pending()], [1, 0])
})

test.run()
