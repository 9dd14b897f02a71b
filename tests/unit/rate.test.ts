import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createRate } from '../../server/ops/rate.ts'
import { manualClock } from '../helpers/manual-clock.ts'

test('what happened counts for a minute', () => {
  const clock = manualClock()
  const rate = createRate(clock)
  assert.is(rate.perMinute(), 0)
  rate.count()
  rate.count()
  clock.advance(59_999)
  rate.count()
  assert.is(rate.perMinute(), 3)
  clock.advance(1)
  assert.is(rate.perMinute(), 1)
  clock.advance(60_000)
  assert.is(rate.perMinute(), 0)
})

test('a wall clock that is set makes no difference', () => {
  const clock = manualClock()
  const rate = createRate(clock)
  rate.count()
  clock.jump(-86_400_000)
  assert.is(rate.perMinute(), 1)
})

test('it equals a count of the times, to the second', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 100 }), (gaps) => {
      const clock = manualClock()
      const rate = createRate(clock)
      const times: number[] = []
      for (const gap of gaps) {
        clock.advance(gap)
        rate.count()
        times.push(Math.floor(clock.monotonic() / 1000))
        const second = Math.floor(clock.monotonic() / 1000)
        assert.is(rate.perMinute(), times.filter((time) => time > second - 60).length)
      }
    }),
    { numRuns: 50 },
  )
})

test.run()
