import { MOST_SEED } from './options.ts'
import type { Target } from './target.ts'

/** So many cases of one target from one seed, for one process. */
export type Slice = { name: string; cases: number; seed: number }

/** Shares `cases` out by weight, in slices of at most `most`; the first slice of a target has the seed that was given. */
export function planOf(targets: readonly Target[], cases: number, seed: number, most: number): Slice[] {
  const whole = targets.reduce((sum, { weight }) => sum + weight, 0)
  const shares = targets.map(({ name, weight }) => ({ name, share: Math.ceil((cases * weight) / whole) }))
  const slices = shares.flatMap(({ name, share }) => {
    const pieces = Math.ceil(share / most)
    return Array.from({ length: pieces }, (_, i) => ({
      name,
      cases: Math.min(most, share - i * most),
      seed: (seed + i * STRIDE) & MOST_SEED,
    }))
  })
  // The dear ones first, or one of them would run alone in the end.
  const weights = new Map(targets.map(({ name, weight }) => [name, weight]))
  return slices.sort((a, b) => (weights.get(a.name) ?? 1) - (weights.get(b.name) ?? 1))
}

// Odd, so that seeds repeat only after 2^31 slices.
const STRIDE = 0x1e3779b1
