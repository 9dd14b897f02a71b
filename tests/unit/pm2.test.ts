import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { monitor, ready } from '../../server/ops/pm2.ts'
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

test.run()
