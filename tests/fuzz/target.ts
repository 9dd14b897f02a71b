import { inspect } from 'node:util'
import * as fc from 'fast-check'

/** What came of `cases` cases: `failure` is the smallest counterexample and what it contradicts. */
export type Verdict = { cases: number; failure?: string }
export type About = {
  /** What `--only` takes. */
  name: string
  /** The sentence that is its test's name. */
  title: string
  /** How many cases `npm test` tries. */
  short: number
  /** Its part of a long run, against 1 for a parser: what costs more gets less. */
  weight?: number
}
export type Target = Required<About> & { run(cases: number, seed: number): Promise<Verdict> }

/** `check` throws where the oracle is contradicted; `examples` are counterexamples of old, tried before all others. */
export function target<T>(
  about: About,
  cases: fc.Arbitrary<T>,
  check: (input: T) => void | Promise<void>,
  examples: T[] = [],
): Target {
  const property = fc.asyncProperty(cases, async (input) => check(input))
  const tried = examples.map((example): [T] => [example])
  return {
    weight: 1,
    ...about,
    async run(numRuns, seed) {
      const details = await fc.check(property, { numRuns: Math.max(numRuns, tried.length), seed, examples: tried })
      return { cases: details.numRuns, ...(details.failed && { failure: reportOf(details) }) }
    },
  }
}

function reportOf<T>({ counterexample, numRuns, seed, errorInstance }: fc.RunDetails<[T]>): string {
  const lines = inspect(errorInstance, { breakLength: 120 }).split('\n')
  const why = lines
    .filter((line) => !/^ +at .*(?:node_modules|node:internal|fuzz\/target\.ts)/.test(line))
    .slice(0, 20)
    .join('\n')
  return `case ${numRuns} of seed ${seed}: ${fc.stringify(counterexample?.[0])}\n${why}`
}
