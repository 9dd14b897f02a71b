import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { LinkEvents, Status } from '../../client/connection.ts'
import { Connection, delayMs } from '../../client/connection.ts'
import type { Received } from '../../client/parse.ts'
import { closes } from '../../protocol/closes.ts'
import { welcome } from '../browser/messages.ts'
import { manualClock } from '../helpers/manual-clock.ts'

type Opened = LinkEvents & { sent: string[]; closed_: boolean; at: number }

/** A connection whose sockets the test plays; `random` is the jitter's luck, the worst for a server being 0. */
function setUp(random = 0, busy = false) {
  const clock = manualClock()
  const links: Opened[] = []
  const received: Received[] = []
  const statuses: Status[] = []
  const state = { busy }
  const connection = new Connection({
    clock,
    random: () => random,
    busy: () => state.busy,
    hello: () => ({ type: 'hello' }),
    received: (message) => received.push(message),
    changed: (status) => statuses.push(status),
    open(events) {
      const link: Opened = { ...events, sent: [], closed_: false, at: clock.monotonic() }
      links.push(link)
      return {
        send: (text) => link.sent.push(text),
        close: () => {
          link.closed_ = true
        },
      }
    },
  })
  const last = () => links.at(-1) ?? assert.unreachable('no link')
  const greet = () => {
    last()?.opened()
    last()?.text(JSON.stringify(welcome()))
  }
  return { clock, links, received, statuses, state, connection, last, greet }
}

test('[HEL1] it greets first, and is open once welcomed', () => {
  const { connection, last, greet, received } = setUp()
  connection.wake()
  assert.is(connection.status, 'connecting')
  assert.not(connection.send({ type: 'forget' }), 'nothing is sent before the welcome')
  greet()
  assert.equal(last()?.sent, ['{"type":"hello"}'])
  assert.is(connection.status, 'open')
  assert.is(received[0]?.type, 'welcome')
  assert.ok(connection.send({ type: 'forget' }))
  assert.equal(last()?.sent[1], '{"type":"forget"}')
})

test('[CLO1] every row of the table of closes is obeyed', () => {
  for (const { code, reason, reconnect } of Object.values(closes)) {
    const { connection, last, greet, clock, links } = setUp(0.5)
    connection.wake()
    greet()
    last()?.closed(code)
    const status: Status = {
      never: 'ended' as const,
      'on-next-use': 'asleep' as const,
      soon: 'waiting' as const,
      wait: 'waiting' as const,
    }[reconnect]
    assert.is(connection.status, status, reason)
    clock.advance(249)
    assert.is(links.length, 1, `${reason}: not at once`)
    clock.advance(1)
    assert.is(links.length, reconnect === 'soon' ? 2 : 1, `${reason}: soon is half of 0.5 s here`)
    clock.advance(2_250)
    assert.is(links.length, reconnect === 'soon' || reconnect === 'wait' ? 2 : 1, `${reason}: wait is half of 5 s here`)
    if (status === 'ended') {
      connection.wake()
      connection.online(true)
      connection.hidden(false)
      clock.advance(1e6)
      assert.is(links.length, 1, `${reason}: never`)
    }
    connection.sleep()
    assert.is(clock.pending(), 0)
  }
})

test('[CLO1] a lost network comes back with full jitter, doubling to 30 s, or to 60 s from 5 s', () => {
  const delays = (pause: 'soon' | 'wait') => [0, 1, 2, 3, 4, 5, 6, 7, 8, 20].map((n) => delayMs(pause, n, 0, () => 1))
  assert.equal(delays('soon'), [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000])
  assert.equal(delays('wait'), [5000, 10000, 20000, 40000, 60000, 60000, 60000, 60000, 60000, 60000])
  assert.is(
    delayMs('wait', 9, 0, () => 0),
    0,
  )
  assert.is(
    delayMs('soon', 1, 7000, () => 0.5),
    7500,
    'past the gate it is spread again',
  )
})

// A browser tells of a handshake answered by 429 or 502 what it tells of a refused connection: 1006.
test('[CLO1] at most three tries in any 10 s, whatever the luck, also when each is welcomed', () => {
  for (const [code, welcomed] of [
    [1013, false],
    [1013, true],
    [1006, false],
    [1006, true],
  ] as const) {
    const { connection, last, greet, clock, links } = setUp(0)
    connection.wake()
    for (let ms = 0; ms < 120_000; ms += 50) {
      if (connection.status === 'connecting') {
        if (welcomed) greet()
        last()?.closed(code)
      }
      clock.advance(50)
    }
    const times = links.map(({ at }) => at)
    assert.is(times.filter((at) => at < 10_000).length, 3)
    for (const [i, at] of times.entries()) assert.ok((times[i + 3] ?? 1e9) - at >= 10_000, 'three in any 10 s')
    connection.sleep()
  }
})

/** 0, 1/n, 2/n … in an order that looks like chance and is the same each time. */
function spread(): () => number {
  let state = 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

test('[CLO1] a thousand pages whose server restarts come back spread out, all of them, and soon', () => {
  const CLIENTS = 1000
  const AWAY_MS = 3000
  const clock = manualClock()
  const random = spread()
  const tries: number[] = []
  const back: number[] = []
  let links: LinkEvents[] = []
  const connections = Array.from({ length: CLIENTS }, () => {
    const connection = new Connection({
      clock,
      random,
      busy: () => false,
      hello: () => ({ type: 'hello' }),
      received: () => undefined,
      changed: (status) => status === 'open' && back.push(clock.monotonic()),
      open(events) {
        tries.push(clock.monotonic())
        links.push(events)
        return { send: () => undefined, close: () => undefined }
      },
    })
    connection.wake()
    return connection
  })
  const settle = (away: boolean) => {
    const knocking = links
    links = []
    for (const events of knocking) {
      if (away) events.closed(1006)
      else {
        events.opened()
        events.text(JSON.stringify(welcome()))
      }
    }
    return knocking
  }
  const open = settle(false)
  clock.advance(60_000)
  const lostAt = clock.monotonic()
  tries.length = back.length = 0
  for (const events of open) events.closed(1012)
  while (back.length < CLIENTS && clock.monotonic() < lostAt + 120_000) {
    clock.advance(50)
    settle(clock.monotonic() < lostAt + AWAY_MS)
  }
  const after = (at: number) => at - lostAt
  assert.is(back.length, CLIENTS)
  assert.ok(Math.max(...back.map(after)) < 30_000, 'all are back in half a minute')
  const tenths = tries.map((at) => Math.floor(after(at) / 100))
  const most = Math.max(...tenths.map((tenth) => tenths.filter((other) => other === tenth).length))
  const ofServer = tenths.filter((tenth) => tenth >= AWAY_MS / 100)
  const mostBack = Math.max(...ofServer.map((tenth) => ofServer.filter((other) => other === tenth).length))
  // Jitter over half a second gives 200 in a tenth of one, and the second tries begin.
  assert.ok(most < CLIENTS / 3, `${most} tries in a tenth of a second`)
  assert.ok(mostBack < CLIENTS / 10, `${mostBack} in a tenth of a second once the server is there again`)
  assert.ok(tries.length < 4 * CLIENTS, `${tries.length} tries in all`)
  for (const connection of connections) connection.sleep()
})

test('[CLO1] a server that welcomes and closes at once does not reset the backoff; a steady one does', () => {
  const { connection, last, greet, clock } = setUp(0.999)
  connection.wake()
  const gap = () => {
    const from = clock.monotonic()
    last()?.closed(1006)
    while (connection.status !== 'connecting') clock.advance(10)
    return clock.monotonic() - from
  }
  greet()
  const first = gap()
  greet()
  const second = gap()
  assert.ok(first <= 500 && second > 900, `${first} then ${second}`)
  greet()
  clock.advance(10_000)
  assert.ok(gap() <= 500)
  connection.sleep()
})

test('a network that comes back connects at once, and replaces a socket that lived through the gap', () => {
  const { connection, last, greet, clock, links } = setUp(1)
  connection.wake()
  greet()
  clock.advance(60_000)
  connection.online(false)
  last()?.closed(1006)
  assert.is(connection.status, 'offline')
  clock.advance(600_000)
  assert.is(links.length, 1, 'no tries while offline')
  connection.online(true)
  assert.is(links.length, 2)
  greet()
  clock.advance(60_000)
  connection.online(false)
  connection.online(true)
  assert.is(links.length, 3)
  assert.ok(links[1]?.closed_)
})

test('a hidden page that waits for nothing sleeps until it is seen; one with an answer running does not', () => {
  const { connection, last, greet, clock, links, state } = setUp(0.5)
  connection.wake()
  greet()
  connection.hidden(true)
  last()?.closed(1012)
  assert.is(connection.status, 'asleep')
  clock.advance(600_000)
  assert.is(links.length, 1)
  connection.hidden(false)
  assert.is(links.length, 2)
  greet()
  state.busy = true
  connection.hidden(true)
  last()?.closed(1012)
  clock.advance(1_000)
  assert.is(links.length, 3)
})

test('a page opened in the background stays silent', () => {
  const { connection, links } = setUp()
  connection.hidden(true)
  connection.wake()
  assert.is(links.length, 0)
  connection.hidden(false)
  assert.is(links.length, 1)
})

test('[CLO1] an idle close waits for the next use', () => {
  const { connection, last, greet, clock, links } = setUp()
  connection.wake()
  greet()
  last()?.closed(4408)
  clock.advance(600_000)
  assert.is(links.length, 1)
  assert.not(connection.send({ type: 'forget' }))
  assert.is(links.length, 2)
})

test('a server that says nothing is left: no welcome in 15 s, or 30 s of silence while the visitor waits', () => {
  const { connection, greet, clock, links, state } = setUp(0)
  connection.wake()
  clock.advance(15_000)
  assert.is(links.length, 2)
  assert.ok(links[0]?.closed_)
  greet()
  clock.advance(600_000)
  assert.is(links.length, 2, 'silence is fine when nothing is awaited')
  state.busy = true
  connection.send({ type: 'ask', id: 'q', text: 'x' })
  clock.advance(30_000)
  assert.is(links.length, 3)
})

test('what an old socket still says is not heard', () => {
  const { connection, links, greet, received, clock } = setUp(0)
  connection.wake()
  greet()
  connection.renew()
  clock.advance(0)
  links[0]?.text('{"type":"forgotten"}')
  links[0]?.closed(4400)
  assert.is(received.length, 1)
  assert.is(connection.status, 'connecting')
})

test('the back-forward cache: it sleeps without a timer and wakes when shown', () => {
  const { connection, links, greet, clock } = setUp()
  connection.wake()
  greet()
  connection.sleep()
  assert.ok(links[0]?.closed_)
  assert.is(clock.pending(), 0)
  connection.hidden(false)
  assert.is(links.length, 2)
})

test('frames that are no messages of ours are passed over', () => {
  const { connection, last, greet, received } = setUp()
  connection.wake()
  greet()
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '7',
    '{"type":"later"}',
    '{"type":"delta","id":"a","offset":-1,"text":"x"}',
    '{"type":"welcome"}',
  ]) {
    last()?.text(text)
  }
  assert.is(received.length, 1)
})

test.run()
