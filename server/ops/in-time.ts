import type { Clock } from '../clock.ts'

// Sooner than whoever asks gives up: a store in trouble is just when the other figures are wanted.
const PATIENCE_MS = 2000

/** What the store tells. Undefined: it is out of order or takes longer than 2 s; never rejects. */
export function inTime<T>(clock: Clock, reading: Promise<T>): Promise<T | undefined> {
  let giveUp = () => {}
  const late = new Promise<undefined>((resolve) => {
    giveUp = clock.after(PATIENCE_MS, () => resolve(undefined))
  })
  return Promise.race([reading.catch(() => undefined), late]).finally(giveUp)
}
