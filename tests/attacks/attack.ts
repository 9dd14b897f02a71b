import { appendFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Target } from './target.ts'

/** One line of the report of `npm run attacks`; memory in bytes. */
export type Row = {
  number: number
  title: string
  tries: number
  lost: number
  before: number
  after: number
  ms: number
}
export type Toll = {
  /** So many more tries were made. */
  tried(count?: number): void
  /** Something that was to be kept is lost; the attack goes on, and fails in the end. */
  lost(why: string, count?: number): void
}

const { ATTACKS_LONG = '', ATTACKS_REPORT = '' } = process.env

/** How often to try: `npm test` the short number, `npm run attacks` the long one. */
export const times = (short: number, long: number): number => (ATTACKS_LONG === '' ? short : long)

type Run = (target: Target, toll: Toll) => Promise<void>

/** A test for row `number` of the attacks: `run` counts what it tries and what it gets; wanted is nothing. */
export function attack(number: number, title: string, target: () => Promise<Target>, run: Run): void {
  test(`[A${number}] ${title}`, async () => judge(number, title, await target(), run))
}

/** The same on a server that is there for this attack alone. */
export function attackAlone(number: number, title: string, open: () => Promise<Target>, run: Run): void {
  test(`[A${number}] ${title}`, async () => {
    const target = await open()
    try {
      await judge(number, title, target, run)
    } finally {
      await target.close()
    }
  })
}

async function judge(number: number, title: string, target: Target, run: Run): Promise<void> {
  const losses: string[] = []
  let [tries, lost] = [0, 0]
  const from = performance.now()
  const before = await target.rss()
  await run(target, {
    tried: (count = 1) => {
      tries += count
    },
    lost(why, count = 1) {
      lost += count
      losses.push(why)
    },
  })
  report({ number, title, tries, lost, before, after: await target.rss(), ms: performance.now() - from })
  assert.ok(tries > 0, 'nothing was tried')
  assert.equal(losses.slice(0, 10), [])
  assert.not.match(target.printed(), /unhandled_rejection|uncaught_exception/)
}

function report(row: Row): void {
  if (ATTACKS_REPORT !== '') appendFileSync(ATTACKS_REPORT, `${JSON.stringify(row)}\n`)
}
