import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Pace } from '../../client/pace.ts'
import { manualClock } from '../helpers/manual-clock.ts'

type Lump = { gap: number; size: number }
type Play = { lags: number[]; steps: number[]; shown: number; wanted: number }

/** Plays lumps against frames of these lengths, in turn, until all is drawn; the lag of each lump, in ms. */
function play(lumps: readonly Lump[], frames: readonly number[]): Play {
  const clock = manualClock()
  const pace = new Pace()
  const waiting: { length: number; at: number }[] = []
  const result: Play = { lags: [], steps: [], shown: 0, wanted: 0 }
  let at = 0
  for (const { gap, size } of lumps) {
    at += gap
    clock.after(at, () => {
      result.wanted += size
      waiting.push({ length: result.wanted, at: clock.monotonic() })
      pace.grew(result.wanted, clock.monotonic())
    })
  }
  let count = 0
  const frame = () => {
    const shown = pace.shown(clock.monotonic())
    result.steps.push(shown - result.shown)
    result.shown = shown
    while (waiting[0] && waiting[0].length <= shown) result.lags.push(clock.monotonic() - (waiting.shift()?.at ?? 0))
    clock.after(frames[count++ % frames.length] ?? 16, frame)
  }
  frame()
  clock.advance(at + 1_000)
  return result
}

const lumps = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 900 }), size: fc.integer({ min: 1, max: 600 }) }), {
  minLength: 1,
  maxLength: 15,
})

test('[MD] no text is drawn more than 400 ms late, none is drawn twice or lost, whatever the frames', () => {
  const uneven = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 30 })
  const slow = fc.integer({ min: 8, max: 170 }).map((frame) => [frame])
  fc.assert(
    fc.property(lumps, fc.oneof(uneven, slow), (plan, frames) => {
      const { lags, steps, shown, wanted } = play(plan, frames)
      assert.is(shown, wanted)
      assert.is(lags.length, plan.length, 'each lump was drawn whole')
      assert.ok(Math.max(...lags) <= 400, `${Math.max(...lags)} ms late`)
      assert.ok(
        steps.every((step) => step >= 0),
        'never back',
      )
    }),
    { numRuns: 300 },
  )
})

test('[MD] lumps of 300 characters, two a second, flow without a jump', () => {
  const { steps } = play(
    Array.from({ length: 6 }, () => ({ gap: 500, size: 300 })),
    [16],
  )
  assert.ok(Math.max(...steps) <= 20, `${Math.max(...steps)} characters in one frame`)
})

test('[MD] a jump, as under reduced motion, leaves nothing to wait for', () => {
  const clock = manualClock()
  const pace = new Pace()
  pace.grew(300, clock.monotonic())
  pace.jump(300)
  assert.is(pace.shown(clock.monotonic()), 300)
  pace.jump(500)
  pace.grew(500, clock.monotonic())
  assert.is(pace.shown(clock.monotonic()), 500)
})

test.run()
