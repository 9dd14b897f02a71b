/** Who is known to be refused by his upgrade bucket, and for how long: a flood of his then asks no store. */
export type EmptyBuckets = {
  /** Milliseconds that the bucket of `key` surely stays empty; 0: the store has to be asked. */
  waitMs(key: string): number
  /** The store has refused `key` for so many milliseconds. A bucket refills by time alone, so no sooner is better. */
  note(key: string, waitMs: number): void
}

const MOST_KEYS = 20_000
const SWEPT_PER_NOTE = 4

/** Remembers `most` keys at most; of more, the store is asked each time again. `now` is monotonic, in ms. */
export function createEmptyBuckets(now: () => number, most = MOST_KEYS): EmptyBuckets {
  const until = new Map<string, number>()
  // Each note looks at the oldest ones, so memory follows those who still come, without a timer.
  const sweep = (at: number) => {
    let seen = 0
    for (const [key, end] of until) {
      if (seen++ === SWEPT_PER_NOTE) return
      if (end <= at || until.size >= most) until.delete(key)
    }
  }
  return {
    waitMs(key) {
      const end = until.get(key)
      return end === undefined ? 0 : Math.max(0, end - now())
    },
    note(key, waitMs) {
      const at = now()
      sweep(at)
      // Anew at the end of the line.
      until.delete(key)
      until.set(key, at + waitMs)
    },
  }
}
