import { appendFileSync } from 'node:fs'
import * as assert from 'uvu/assert'

/** What one trial tried and lost; both are counted, and a loss doesn't end it. */
export type Toll = {
  /** So many more tries were made. */
  tried(count?: number): void
  /** Something that was to be kept is lost; the trial goes on, and fails in the end. */
  lost(why: string, count?: number): void
}
export type Trial = { title: string; tries: number; lost: number; ms: number }

const { TRIALS_LONG = '', TRIALS_REPORT = '' } = process.env

/** `npm test` plays the short form of each trial. */
export const longForm = TRIALS_LONG !== ''
/** How often to try: in `npm test` the short number, in the long form the other. */
export const times = (short: number, long: number): number => (longForm ? long : short)

/** Runs it to its end and tells the report, with what `more` adds to its line; then throws when something was lost. */
export async function judge(
  title: string,
  run: (toll: Toll) => Promise<void>,
  more: () => Promise<object>,
): Promise<void> {
  const losses: string[] = []
  let [tries, lost] = [0, 0]
  const from = performance.now()
  await run({
    tried: (count = 1) => {
      tries += count
    },
    lost(why, count = 1) {
      lost += count
      losses.push(why)
    },
  })
  const trial: Trial = { title, tries, lost, ms: performance.now() - from }
  const row = { ...trial, ...(await more()) }
  if (TRIALS_REPORT !== '') appendFileSync(TRIALS_REPORT, `${JSON.stringify(row)}\n`)
  assert.equal(losses.slice(0, 10), [])
  assert.ok(tries > 0, 'nothing was tried')
}
