import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { monitor, ready } from '../../server/ops/pm2.ts'
import { answerActions } from '../../server/ops/pm2-actions.ts'
import { manualClock } from '../helpers/manual-clock.ts'

function fakeChannel() {
  const sent: unknown[] = []
  return {
    sent,
    connected: true,
    send(message: unknown, done: () => void) {
      sent.push(message)
      done()
    },
  }
}

test('the values go out at once and then each second, as PM2 wants them', () => {
  const clock = manualClock()
  const channel = fakeChannel()
  let connections = 1
  const stop = monitor(channel, clock, () => ({ Connections: connections++, 'Budget left': '0.50' }))
  const message = (value: number) => ({
    type: 'axm:monitor',
    data: { Connections: { value }, 'Budget left': { value: '0.50' } },
  })
  assert.equal(channel.sent, [message(1)])
  clock.advance(2000)
  assert.equal(channel.sent, [message(1), message(2), message(3)])
  stop()
  clock.advance(5000)
  assert.is(channel.sent.length, 3)
  assert.is(clock.pending(), 0)
})

test('nothing is read or sent without PM2, nor after it has gone', () => {
  const clock = manualClock()
  const never = () => {
    throw new Error('was read')
  }
  monitor({}, clock, never)
  monitor({ connected: false, send: never }, clock, never)
  ready({})
  ready({ connected: false, send: never })
  const channel = fakeChannel()
  monitor(channel, clock, () => ({}))
  channel.connected = false
  clock.advance(10_000)
  assert.is(channel.sent.length, 1)
  assert.is(clock.pending(), 0)
})

test('readiness is one word', () => {
  const channel = fakeChannel()
  ready(channel)
  assert.equal(channel.sent, ['ready'])
})

test('actions are named at once and answered by their names, also when they fail', async () => {
  const clock = manualClock()
  const heard: ((message: unknown) => void)[] = []
  const channel = { ...fakeChannel(), on: (_: 'message', hear: (message: unknown) => void) => heard.push(hear) }
  answerActions(channel, clock, {
    budget: async () => ({ left: 1 }),
    broken: () => {
      throw new Error('no')
    },
  })
  const named = channel.sent.splice(0)
  assert.match(JSON.stringify(named), /axm:action.*budget.*axm:action.*broken/)
  const strangers = ['other', 'toString', 7, null, { msg: 3 }]
  for (const message of [...strangers, 'budget', { msg: 'broken', opts: 'x' }]) heard[0]?.(message)
  await clock.waiting(2)
  clock.advance(1000)
  assert.is(channel.sent.length, 2)
  const replies = JSON.stringify(channel.sent)
  assert.match(replies, '{"type":"axm:reply","data":{"action_name":"budget","return":{"left":1}}}')
  assert.match(replies, '{"type":"axm:reply","data":{"action_name":"broken","return":{"failed":true}}}')
})

test.run()
