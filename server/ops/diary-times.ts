import type { DayCounts } from '../diary.ts'

// Steps a tenth apart: a day's times fit into a few dozen counts, and a percentile is off by less than that tenth.
const RATIO = 1.1
const STEPS = 130

/** Milliseconds -> the step that they fall into; the last one, from four minutes on, takes the rest. */
export const stepOf = (ms: number): number =>
  Math.min(STEPS, Math.max(0, Math.ceil(Math.log(Math.max(1, ms)) / Math.log(RATIO))))

/** The upper end of a step, in ms. */
const endOf = (step: number): number => RATIO ** step

/** The time in ms that `part` of those counted under `front` did not exceed; undefined when none was counted. */
export function percentileOf(counts: DayCounts, front: string, part: number): number | undefined {
  const steps = Object.entries(counts)
    .flatMap(([name, n]): [number, number][] => (name.startsWith(front) ? [[Number(name.slice(front.length)), n]] : []))
    .sort(([a], [b]) => a - b)
  const wanted = part * steps.reduce((sum, [, n]) => sum + n, 0)
  let seen = 0
  for (const [step, n] of steps) {
    seen += n
    if (seen >= wanted) return Math.round(endOf(step))
  }
  return undefined
}
