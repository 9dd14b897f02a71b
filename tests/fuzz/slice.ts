// One process of `npm run fuzz`: takes slices from its parent, one at a time, and answers each with a verdict.
import type { Slice } from './plan.ts'
import { targets } from './targets.ts'

process.on('message', async ({ name, cases, seed }: Slice) => {
  const found = targets.find((target) => target.name === name)
  if (found) process.send?.(await found.run(cases, seed))
})
process.send?.('ready')
