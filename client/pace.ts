/** Under this a lump of text turns into a steady flow; the last character is never later, frames included. */
const LAG_MS = 350

/**
 * How much of a growing text is shown: `grew` tells its length as it arrives, `shown` how much of it is due.
 * Lengths in UTF-16 code units, times in milliseconds of one clock.
 */
export class Pace {
  #due: { length: number; by: number }[] = []
  #shown = 0
  #last = 0

  /** Text up to `length` stands already. */
  jump(length: number): void {
    this.#due = []
    this.#shown = length
  }

  grew(length: number, now: number): void {
    if (length <= (this.#due.at(-1)?.length ?? this.#shown)) return
    if (this.#due.length === 0) this.#last = now
    this.#due.push({ length, by: now + LAG_MS })
  }

  shown(now: number): number {
    const frame = now - this.#last
    // The fastest of the speeds that each lump needs to be whole in time; another frame as long may be one too late.
    const left = this.#due.map(({ length, by }) => (length - this.#shown) / Math.max(1, by - now))
    this.#shown += Math.max(0, ...left) * frame
    this.#last = now
    const end = this.#due.at(-1)?.length ?? this.#shown
    this.#shown = Math.min(this.#shown, end)
    this.#due = this.#due.filter(({ length }) => length > this.#shown)
    return Math.floor(this.#shown)
  }
}
