import { randomFillSync } from 'node:crypto'

const SIZE = 4096

/**
 * Fresh random bytes of the system's generator, each given out once. They are fetched 4 KiB at a time: a call costs as much
 * for twelve of them.
 */
export function randomPool(fill: (pool: Uint8Array) => void = randomFillSync): (bytes: number) => Uint8Array {
  const pool = new Uint8Array(SIZE)
  let used = SIZE
  return (bytes) => {
    if (bytes > SIZE) throw new RangeError(`${bytes} random bytes at once`)
    if (used + bytes > SIZE) {
      fill(pool)
      used = 0
    }
    const given = pool.slice(used, used + bytes)
    pool.fill(0, used, used + bytes)
    used += bytes
    return given
  }
}
