import type { ScenarioOrder } from '../../emulator/emulator.ts'
import type { BuiltApp } from '../helpers/built-app.ts'
import type { Toll } from './attack.ts'
import { openTarget, type Target, type TargetOptions } from './target.ts'
import type { Visitor } from './visitor.ts'

/** A day's budget of about a hundred of the dearest first questions. */
export const CAP = 0.5
/** Words as dear as can be, and an answer that uses up its cap of tokens. */
export const DEAR: ScenarioOrder = { name: 'max-tokens', bytesPerToken: 1 }

export const withCap =
  (app: Promise<BuiltApp>) =>
  (cap: number, options: TargetOptions = {}) =>
  async (): Promise<Target> =>
    openTarget({ ...options, app: await app, env: { BUDGET_PER_DAY: String(cap), ...options.env } })

/** More than `days` times the cap billed is lost money. */
export function keepsTo(target: Target, toll: Toll, cap: number, days = 1): void {
  const over = target.billedNano() - cap * 1e9 * days
  if (over > 0) toll.lost(`${over} nano over the cap`, over)
}

/** Asks one question after the other until the budget refuses; how many were answered. */
export async function spend(visitor: Visitor, toll: Toll, most: number, name = 'q'): Promise<number> {
  for (let n = 0; n < most; n++) {
    toll.tried()
    const end = await visitor.ask(`${name}${n}`, `Question ${n} : combien coûte une révision ?`)
    if (end?.type === 'error') return n
  }
  return most
}
