import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RateLimiterRes, RLWrapperBlackAndWhite, RLWrapperTimeouts } from 'rate-limiter-flexible'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { addressTakes } from '../../server/quota/address.ts'
import { TokenBucket } from '../../server/quota/token-bucket.ts'
import { memoryStore } from '../../server/stores/memory.ts'
import { manualClock } from '../helpers/manual-clock.ts'

function bench(burst = 5, perMinute = 60) {
  const clock = manualClock()
  const store = memoryStore(clock)
  return { clock, store, bucket: new TokenBucket({ name: 'asks', burst, perMinute }, store.tokens) }
}
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (reason) => reason,
  )
const plain = (res: unknown) => (res instanceof RateLimiterRes ? res.toJSON() : res)

test('consume resolves and rejects with RateLimiterRes', async () => {
  const { clock, bucket } = bench(2)
  const first = await bucket.consume('k')
  assert.instance(first, RateLimiterRes)
  assert.is(first.remainingPoints, 1)
  await bucket.consume('k')
  const refused = await rejection(bucket.consume('k'))
  assert.equal(plain(refused), { remainingPoints: 0, msBeforeNext: 1000, consumedPoints: 2, isFirstInDuration: false })
  clock.advance(1000)
  assert.is((await bucket.consume('k')).remainingPoints, 0)
})

test('several points are taken together or not at all', async () => {
  const { clock, bucket } = bench(5)
  await bucket.consume('k', 3)
  assert.equal(plain(await rejection(bucket.consume('k', 4))), {
    remainingPoints: 2,
    msBeforeNext: 2000,
    consumedPoints: 3,
    isFirstInDuration: false,
  })
  assert.is((await bucket.consume('k', 2)).remainingPoints, 0)
  clock.advance(4000)
  assert.is((await bucket.consume('k', 4)).remainingPoints, 0)
})

test('points that cannot be meant are refused and change nothing', async () => {
  const { bucket } = bench(5)
  for (const points of [Number.NaN, -1, 0, 0.5, 6, Number.POSITIVE_INFINITY]) {
    assert.instance(await rejection(bucket.consume('k', points)), RangeError)
    assert.instance(await rejection(bucket.penalty('k', points === 6 ? -6 : points)), RangeError)
  }
  assert.is(await bucket.get('k'), null)
})

test('an interval that is no whole number of microseconds is rounded against the client', async () => {
  const { clock, bucket } = bench(1000, 45_000_000)
  await bucket.consume('k', 1000)
  clock.advance(1)
  assert.instance(await rejection(bucket.consume('k', 751)), RateLimiterRes)
})

test('get tells what is there without taking; delete refills', async () => {
  const { clock, bucket } = bench(2)
  await bucket.consume('k', 2)
  assert.equal(plain(await bucket.get('k')), {
    remainingPoints: 0,
    msBeforeNext: 1000,
    consumedPoints: 2,
    isFirstInDuration: false,
  })
  clock.advance(400)
  assert.is((await bucket.get('k'))?.msBeforeNext, 600)
  assert.is(await bucket.delete('k'), true)
  assert.is(await bucket.delete('k'), false)
  assert.is((await bucket.consume('k')).remainingPoints, 1)
  clock.advance(1000)
  assert.is(await bucket.get('k'), null)
})

test('a penalty empties but leaves no debt; what would mint or lock is refused', async () => {
  const { clock, bucket } = bench(3)
  assert.is((await bucket.penalty('k', 2)).remainingPoints, 1)
  assert.is((await bucket.penalty('k', 100)).remainingPoints, 0)
  clock.advance(1000)
  assert.is((await bucket.consume('k')).remainingPoints, 0)
  for (const call of [bucket.reward('k'), bucket.set('k', 1, 1), bucket.block('k', 1)]) {
    assert.match(String(await rejection(call)), /refills by time alone/)
  }
})

test("the library's own wrappers take it", async () => {
  const { bucket } = bench(1)
  const guarded = new RLWrapperBlackAndWhite({ limiter: bucket, whiteList: ['friend'], blackList: ['foe'] })
  await guarded.consume('visitor')
  assert.instance(await rejection(guarded.consume('visitor')), RateLimiterRes)
  await guarded.consume('friend')
  assert.instance(await rejection(guarded.consume('foe')), RateLimiterRes)
  const timed = new RLWrapperTimeouts({ limiter: bucket, timeoutMs: 1000 })
  assert.instance(await rejection(timed.consume('visitor')), RateLimiterRes)
})

test('buckets of two stores are never taken together', async () => {
  const parts = [bench().bucket, bench().bucket].map((bucket) => ({ bucket, key: 'k', points: 1 }))
  assert.instance(await rejection(TokenBucket.consumeAll(parts)), RangeError)
  assert.instance(await rejection(TokenBucket.consumeAll([])), RangeError)
})

test('in memory, a jump of the wall clock changes nothing', async () => {
  const { clock, bucket } = bench(1)
  await bucket.consume('k')
  clock.jump(86_400_000)
  assert.instance(await rejection(bucket.consume('k')), RateLimiterRes)
  clock.advance(1000)
  await bucket.consume('k')
})

test('a million keys stay within 200 bytes each, and leave when they are full', async () => {
  const { clock, store } = bench()
  const rule = { name: 'ip-asks', burst: 10, perMinute: 20 }
  const takes = (index: number) => {
    const key = `2001:db8:${(index >> 16).toString(16)}:${(index & 0xffff).toString(16)}::/64`
    return addressTakes(rule, [{ key, scale: 1 }])
  }
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  const heap = (): number => {
    if (typeof collect === 'function') collect()
    return process.memoryUsage().heapUsed
  }
  const before = heap()
  const keys = 200_000
  for (let index = 0; index < keys; index++) await store.buckets.take(takes(index))
  const perKey = (heap() - before) / keys
  assert.ok(perKey > 20 && perKey <= 200, `${perKey} bytes`)
  clock.advance(60_000)
  for (let index = 0; index < keys / 3; index++) await store.buckets.take(takes(0))
  const left = (heap() - before) / keys
  assert.ok(left < perKey / 3, `${left} bytes left`)
  assert.ok((await store.buckets.take(takes(1))).ok, 'the store is alive to here')
})

test.run()
