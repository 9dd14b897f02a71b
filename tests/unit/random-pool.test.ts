import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { randomPool } from '../../server/random-pool.ts'

/** Fills each pool with its number, from 1. */
function counting() {
  let fills = 0
  return { pool: randomPool((bytes) => void bytes.fill(++fills)), fills: () => fills }
}

test('gives each byte out once, and asks for more when they run short', () => {
  let next = 0
  const pool = randomPool((bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = next++ % 251
  })
  const given = Array.from({ length: 1000 }, () => [...pool(16)]).flat()
  // 4,096 bytes of a pool are 256 times 16: none is left over.
  assert.equal(
    given,
    [...Array(16_000).keys()].map((i) => i % 251),
  )
})

test('what is left of a pool and too little is thrown away', () => {
  const { pool, fills } = counting()
  for (let i = 0; i < 341; i++) assert.equal([...new Set(pool(12))], [1])
  assert.equal([...new Set(pool(12))], [2])
  assert.is(fills(), 2)
})

test('what was given out is not kept, and is not changed by what comes after', () => {
  let held: Uint8Array = new Uint8Array()
  const pool = randomPool((bytes) => {
    held = bytes
    bytes.fill(7)
  })
  const first = pool(12)
  assert.equal([...held.subarray(0, 12)], Array(12).fill(0))
  pool(4090)
  assert.equal([...first], Array(12).fill(7))
})

test('more than a pool at once is a mistake', () => {
  assert.throws(() => randomPool()(4097), RangeError)
  assert.is(new Set(Array.from({ length: 2000 }, () => randomPool()(12).join())).size, 2000)
})

test.run()
