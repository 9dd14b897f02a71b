import type { Case } from './case.ts'
import { closing } from './closing.ts'
import { framing } from './framing.ts'
import { limits } from './limits.ts'
import { utf8 } from './utf8.ts'

/** All of Autobahn's cases for a server, in its order; a letter after a number is a case of ours beside it. */
export const cases: readonly Case[] = [...framing, ...utf8, ...closing, ...limits]

export type Verdict = 'ok' | 'non-strict' | 'FAILED'
export function verdictOf({ wanted }: Case, seen: string): Verdict {
  if (seen === wanted[0]) return 'ok'
  return wanted.includes(seen) ? 'non-strict' : 'FAILED'
}
