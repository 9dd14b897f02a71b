const HEAD = 4_000
const TAIL = 16_000

/** Keeps the beginning and the end of a flood of bytes, in bounded memory. */
export class Tail {
  #head = Buffer.alloc(0)
  #tail: Buffer[] = []
  #tailBytes = 0
  #left = 0

  add(chunk: Buffer): void {
    const room = HEAD - this.#head.length
    if (room > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)])
    if (chunk.length <= room) return
    const rest = chunk.subarray(Math.max(room, 0))
    this.#tail.push(rest)
    this.#tailBytes += rest.length
    if (this.#tailBytes > 4 * TAIL) this.#cut()
  }

  text(): string {
    this.#cut()
    const left = this.#left > 0 ? `\n… ${this.#left} bytes left out …\n` : ''
    return this.#head.toString() + left + Buffer.concat(this.#tail).toString()
  }

  #cut(): void {
    const over = this.#tailBytes - TAIL
    if (over <= 0) return
    this.#tail = [Buffer.concat(this.#tail).subarray(over)]
    this.#tailBytes = TAIL
    this.#left += over
  }
}
