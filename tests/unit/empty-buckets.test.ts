import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createEmptyBuckets } from '../../server/socket/empty-buckets.ts'

function setup(most?: number) {
  let now = 1000
  const buckets = createEmptyBuckets(() => now, most)
  const pass = (ms: number) => {
    now += ms
  }
  return { buckets, pass }
}

test('an empty bucket is known for as long as its refusal said, to the millisecond', () => {
  const { buckets, pass } = setup()
  assert.is(buckets.waitMs('a'), 0)
  buckets.note('a', 500)
  assert.equal([buckets.waitMs('a'), buckets.waitMs('b')], [500, 0])
  pass(499)
  assert.is(buckets.waitMs('a'), 1)
  pass(1)
  assert.is(buckets.waitMs('a'), 0)
})

test('the last refusal counts', () => {
  const { buckets, pass } = setup()
  buckets.note('a', 500)
  pass(400)
  buckets.note('a', 500)
  assert.is(buckets.waitMs('a'), 500)
})

test('no more keys than the bound are remembered: the oldest go, and the store answers for them', () => {
  const { buckets } = setup(100)
  for (let n = 0; n < 1000; n++) buckets.note(`${n}`, 1e9)
  const known = Array.from({ length: 1000 }, (_, n) => buckets.waitMs(`${n}`) > 0)
  assert.is(known.filter(Boolean).length, 100)
  assert.ok(known.slice(900).every(Boolean))
})

test('what is over makes room first', () => {
  const { buckets, pass } = setup(100)
  for (let n = 0; n < 50; n++) buckets.note(`old ${n}`, 10)
  pass(10)
  for (let n = 0; n < 100; n++) buckets.note(`${n}`, 1e9)
  assert.ok(Array.from({ length: 100 }, (_, n) => buckets.waitMs(`${n}`) > 0).every(Boolean))
})

test.run()
