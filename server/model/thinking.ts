/** Gemini's thinkingConfig: 3.x models take a level, 2.5 models a budget in tokens. */
export type Thinking = { thinkingLevel: 'MINIMAL' | 'LOW' | 'MEDIUM' | 'HIGH' } | { thinkingBudget: number }

// As Google documented and served them in September 2026: 3.7 and 3.8 Flash and every Pro answer 400 to MINIMAL.
const rows: readonly (readonly [RegExp, Thinking | undefined])[] = [
  [/^gemini-(1|2\.0)/, undefined],
  [/^gemini-2\.5-pro/, { thinkingBudget: 128 }],
  [/^gemini-2\.5/, { thinkingBudget: 0 }],
  [/^gemini-.*flash-lite/, { thinkingLevel: 'MINIMAL' }],
  [/^gemini-3(\.5|\.6)?-flash/, { thinkingLevel: 'MINIMAL' }],
  [/^gemini-/, { thinkingLevel: 'LOW' }],
]

/** The least thinking that a model accepts, or undefined where it takes no such setting. */
export function leastThinking(model: string): Thinking | undefined {
  const name = model.replace(/^models\//, '')
  return rows.find(([pattern]) => pattern.test(name))?.[1]
}

export type ThinkingLevel = 'lowest' | 'low' | 'medium' | 'high'

const budgets = { low: 1024, medium: 8192, high: 24_576 }
const levels = { low: 'LOW', medium: 'MEDIUM', high: 'HIGH' } as const

/** The admin's wish in the words that the model takes; `lowest` leaves it to leastThinking. */
export function thinkingOf(model: string, level: ThinkingLevel): { thinking?: Thinking } {
  if (level === 'lowest') return {}
  const takesBudget = leastThinking(model)
  if (takesBudget && 'thinkingBudget' in takesBudget) return { thinking: { thinkingBudget: budgets[level] } }
  return { thinking: { thinkingLevel: levels[level] } }
}
