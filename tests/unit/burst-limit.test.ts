import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { burstLimit } from '../../server/burst-limit.ts'

const burst = fc.integer({ min: 1, max: 100 })
const perSecond = fc.integer({ min: 1, max: 50 })
const pauses = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 400 })

/** When frames arrive, and whether each was admitted. */
function play(mayPass: (nowMs: number) => boolean, gaps: readonly number[]): { at: number; admitted: boolean }[] {
  let at = 1_000_000
  return gaps.map((gap) => {
    at += gap
    return { at, admitted: mayPass(at) }
  })
}

test('[LIM2] over any span, at most burst + rate × span frames pass', () => {
  fc.assert(
    fc.property(burst, perSecond, pauses, (burst, perSecond, gaps) => {
      const times = play(burstLimit(burst, perSecond), gaps).flatMap(({ at, admitted }) => (admitted ? at : []))
      times.forEach((from, first) => {
        times.slice(first).forEach((to, more) => {
          assert.ok(more + 1 <= burst + ((to - from) * perSecond) / 1000 + 1e-4)
        })
      })
    }),
    { numRuns: 60 },
  )
})

test('[LIM2] whoever keeps to the rate is never refused, and a burst passes whole', () => {
  fc.assert(
    fc.property(burst, perSecond, pauses, (burst, perSecond, gaps) => {
      const mayPass = burstLimit(burst, perSecond)
      const steady = gaps.map((gap) => 1000 / perSecond + gap)
      assert.ok(play(mayPass, steady).every(({ admitted }) => admitted))
      const full = burstLimit(burst, perSecond)
      assert.equal(
        Array.from({ length: burst + 1 }, () => full(5)),
        [...Array.from({ length: burst }, () => true), false],
      )
    }),
    { numRuns: 60 },
  )
})

test('[LIM2] a refusal costs nothing: the next frame passes when its time has come', () => {
  const mayPass = burstLimit(1, 20)
  assert.equal([mayPass(0), mayPass(10), mayPass(49), mayPass(50), mayPass(51)], [true, false, false, true, false])
})

test.run()
