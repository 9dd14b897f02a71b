import { honestVisitors, hostilePrefixes, type Tally } from './fairness-crowds.ts'
import { dearestQuestion, typicalQuestion } from './fairness-people.ts'
import { HOUR_MS, MIDNIGHT, openShop } from './fairness-simulation.ts'

export const VISITORS = 20

/**
 * `rushHour`: the local hour at which `hostile` addresses begin; `preparedHours`: each asked a question in so many hours
 * before. `returning`: part of the visitors seen yesterday. `rules`: with the rules of fairness, or without.
 * `question`: which one the hostile ask.
 */
export type FairCase = {
  hostile: number
  rushHour: number
  returning: number
  preparedHours: number
  rules: boolean
  question: 'typical' | 'dearest'
  seed: number
}
/** `served`: part of the visitors' questions that the model answered. `overshoot`: billed / budget - 1, or 0. */
export type FairResult = { served: number; overshoot: number; utilisation: number }

/** One day of 20 visitors against a crowd. */
export async function simulateDay(one: FairCase): Promise<FairResult> {
  const shop = openShop(one.seed, one.rules)
  const tally: Tally = { asked: 0, served: 0 }
  honestVisitors(shop, VISITORS, one.returning, tally)
  const from = MIDNIGHT + one.rushHour * HOUR_MS
  const question = one.question === 'dearest' ? dearestQuestion : typicalQuestion(0)
  hostilePrefixes(shop, { count: one.hostile, from, preparedMs: one.preparedHours * HOUR_MS, question })
  await shop.run(MIDNIGHT + 24 * HOUR_MS - 1)
  const { billedNano, budgetNano } = shop.books()
  const utilisation = billedNano / budgetNano
  return { served: tally.served / tally.asked, overshoot: Math.max(0, utilisation - 1), utilisation }
}
