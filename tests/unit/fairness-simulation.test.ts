import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type FairResult, simulateDay } from '../../bench/fairness-case.ts'

// The short form of `npm run bench:fairness`: one day per hour at which an attack begins.
const HOURS = [0, 9, 15]

async function days(hostile: number, rules = true): Promise<{ served: number; results: FairResult[] }> {
  const one = { hostile, returning: 0, preparedHours: 0, rules, question: 'dearest', seed: 7 } as const
  const results: FairResult[] = []
  for (const rushHour of HOURS) results.push(await simulateDay({ ...one, rushHour }))
  return { served: results.reduce((sum, { served }) => sum + served, 0) / results.length, results }
}

for (const { hostile, wanted } of [
  { hostile: 0, wanted: 1 },
  { hostile: 1, wanted: 0.95 },
  { hostile: 50, wanted: 0.8 },
]) {
  test(`visitors are answered beside ${hostile} hostile addresses, within the budget`, async () => {
    const { served, results } = await days(hostile)
    assert.ok(served >= wanted, `${served}`)
    for (const { overshoot } of results) assert.is(overshoot, 0)
  })
}

test('a thousand hostile addresses spend no more than the budget', async () => {
  for (const { overshoot, utilisation } of (await days(1000)).results) {
    assert.is(overshoot, 0)
    assert.ok(utilisation > 0.85, `${utilisation}`)
  }
})

test('without the rules, one hostile address leaves nothing', async () => {
  const { served, results } = await days(1, false)
  assert.ok(served < 0.5, `${served}`)
  for (const { overshoot } of results) assert.is(overshoot, 0)
})

test.run()
