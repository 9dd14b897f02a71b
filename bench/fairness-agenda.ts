type Entry = { at: number; run: () => Promise<void> }

/** What happens when: the earliest first, and in order of `add` at the same time. Times are epoch ms. */
export class Agenda {
  /** The latest first, so that the next one is taken from the end. */
  private readonly entries: Entry[] = []

  add(at: number, run: () => Promise<void>): void {
    let [low, high] = [0, this.entries.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.entries[middle]?.at ?? 0) > at) low = middle + 1
      else high = middle
    }
    this.entries.splice(low, 0, { at, run })
  }

  take(): Entry | undefined {
    return this.entries.pop()
  }
}
