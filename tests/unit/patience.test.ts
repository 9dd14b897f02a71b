import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../../server/clock.ts'
import { haltable } from '../../server/model/patience.ts'

/** A clock whose timers come when the test says so, and late. */
function lateClock() {
  let now = 0
  const timers: { due: number; fn: () => void }[] = []
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after(ms, fn) {
      const timer = { due: now + ms, fn }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer) >>> 0, 1)
    },
  }
  const standStill = (ms: number) => {
    now += ms
    for (const timer of timers.filter(({ due }) => due <= now)) {
      timers.splice(timers.indexOf(timer), 1)
      timer.fn()
    }
  }
  return { clock, standStill }
}

test('what came while this process stood still is read before it is called late', async () => {
  const { clock, standStill } = lateClock()
  const halt = haltable(clock, new AbortController().signal, 60_000)
  let say = (_: string) => {}
  const said = new Promise<string>((resolve) => (say = resolve))
  const waited = halt.wait(said, 1000, 'chunk_timeout')
  standStill(5000)
  // Read from the network right after the timers.
  say('Bon vent')
  assert.equal(await waited, { at: 'value', value: 'Bon vent' })
  halt.close()
})

test('a model that says nothing all the same is late, and so is one that was silent in time', async () => {
  for (const stands of [1000, 1200, 5000]) {
    const { clock, standStill } = lateClock()
    const halt = haltable(clock, new AbortController().signal, 60_000)
    const waited = halt.wait(new Promise(() => {}), 1000, 'chunk_timeout')
    standStill(stands)
    if (stands === 5000) standStill(5000)
    assert.equal(await waited, { at: 'halted', why: 'chunk_timeout' })
    halt.close()
  }
})

test.run()
