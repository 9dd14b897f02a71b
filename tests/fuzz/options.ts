import { parseArgs } from 'node:util'

/** Seeds are 31 bits, so that none looks like an option. */
export const MOST_SEED = 0x7fffffff

export type FuzzOptions = { cases: number; seed: number; only: string[]; jobs: number }

export const usage = (
  names: readonly string[],
): string => `npm run fuzz -- [--cases N] [--seed S] [--only NAME] [--jobs N]

  --cases N     how many cases in all (1000000)
  --seed S      begins at this seed: what failed fails again with the seed, the cases and the name that it printed
  --only NAME   these targets alone; may be repeated
  --jobs N      how many processes at a time; without it: one per core

Targets: ${names.join(', ')}`

/** Command line -> options, or the sentence that says what is wrong. `seed` is taken where none is given. */
export function parseOptions(
  args: string[],
  names: readonly string[],
  cores: number,
  seed: number,
): FuzzOptions | { wrong: string } {
  try {
    const options = {
      cases: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: String(seed) },
      only: { type: 'string', multiple: true, default: [] as string[] },
      jobs: { type: 'string', default: String(cores) },
    } as const
    const { values } = parseArgs({ args, options })
    const stranger = values.only.find((name) => !names.includes(name))
    if (stranger !== undefined) return { wrong: `--only: there is no target "${stranger}"` }
    const [cases, from, jobs] = [Number(values.cases), Number(values.seed), Number(values.jobs)]
    if (![cases, jobs].every((n) => Number.isSafeInteger(n) && n > 0) || !Number.isSafeInteger(from) || from < 0)
      return { wrong: '--cases, --seed and --jobs take a whole number' }
    return { cases, seed: from & MOST_SEED, only: values.only.length > 0 ? values.only : [...names], jobs }
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) }
  }
}
