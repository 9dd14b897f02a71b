/** Begins to solve `challenge`; `done` gets the proof, or undefined when there will be none. Returns what ends it. */
export type Solve = (challenge: string, done: (proof: string | undefined) => void) => () => void

// A server that is never content would keep a phone busy for good.
const MOST_ROUNDS = 3

/** The work for one question at a time. No DOM. */
export class Proving {
  readonly #solve: Solve
  #id: string | undefined
  #rounds = 0
  #proof: string | undefined
  #cancel: (() => void) | undefined

  constructor(solve: Solve) {
    this.#solve = solve
  }

  working(id: string): boolean {
    return this.#id === id && this.#cancel !== undefined
  }

  proofOf(id: string): string | undefined {
    return this.#id === id ? this.#proof : undefined
  }

  /** False, and nothing begins, when this question has been proved often enough. */
  begin(id: string, challenge: string, done: (solved: boolean) => void): boolean {
    this.keep(id)
    this.#cancel?.()
    this.#cancel = undefined
    this.#proof = undefined
    if (++this.#rounds > MOST_ROUNDS) return false
    this.#cancel = this.#solve(challenge, (proof) => {
      this.#cancel = undefined
      this.#proof = proof
      done(proof !== undefined)
    })
    return true
  }

  /** Ends and forgets the work for any other question. */
  keep(id: string | undefined): void {
    if (this.#id === id) return
    this.#cancel?.()
    this.#cancel = undefined
    this.#proof = undefined
    this.#rounds = 0
    this.#id = id
  }
}
