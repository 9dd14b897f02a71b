import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { judge, type Toll, type Trial } from '../helpers/trial.ts'
import type { Target } from './target.ts'

export { type Toll, times } from '../helpers/trial.ts'

/** One line of the report of `npm run attacks`; memory in bytes. */
export type Row = Trial & { number: number; before: number; after: number }

type Run = (target: Target, toll: Toll) => Promise<void>

/** A test for row `number` of the attacks: `run` counts what it tries and what it gets; wanted is nothing. */
export function attack(number: number, title: string, target: () => Promise<Target>, run: Run): void {
  test(`[A${number}] ${title}`, async () => play(number, title, await target(), run))
}

/** The same on a server that is there for this attack alone. */
export function attackAlone(number: number, title: string, open: () => Promise<Target>, run: Run): void {
  test(`[A${number}] ${title}`, async () => {
    const target = await open()
    try {
      await play(number, title, target, run)
    } finally {
      await target.close()
    }
  })
}

async function play(number: number, title: string, target: Target, run: Run): Promise<void> {
  const before = await target.rss()
  await judge(
    title,
    (toll) => run(target, toll),
    async () => ({ number, before, after: await target.rss() }),
  )
  assert.not.match(target.printed(), /unhandled_rejection|uncaught_exception/)
}
