import { isDeepStrictEqual } from 'node:util'
import { type Condition, fill, type Variables } from './words.ts'

/** The first condition that `message` does not meet, in words; undefined when it meets all. */
export function mismatch(conditions: readonly Condition[], message: unknown, variables: Variables): string | undefined {
  const missed = conditions.find((condition) => !holds(condition, message, variables))
  if (missed === undefined) return undefined
  const { field, operator, value } = missed
  const wanted = operator === 'absent' ? 'absent' : `${operator}${show(fill(value, variables))}`
  return `${field} is ${show(fieldOf(message, field))}, wanted ${wanted}`
}

/** The value at a dotted path (`turns.0.state`); undefined when there is none. */
export function fieldOf(message: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    return Reflect.get(value, name)
  }, message)
}

function holds({ field, operator, value }: Condition, message: unknown, variables: Variables): boolean {
  const actual = fieldOf(message, field)
  if (operator === 'absent') return actual === undefined
  const wanted = fill(value, variables)
  if (operator === '=') return isSame(actual, wanted)
  if (operator === '!=') return !isSame(actual, wanted)
  if (operator === '~') return typeof actual === 'string' && actual.includes(String(wanted))
  if (typeof actual !== 'number' || typeof wanted !== 'number') return false
  if (operator === '>') return actual > wanted
  if (operator === '>=') return actual >= wanted
  return operator === '<' ? actual < wanted : actual <= wanted
}

// `turns=2` is said of a list as well.
const isSame = (actual: unknown, wanted: unknown): boolean =>
  isDeepStrictEqual(actual, wanted) || (Array.isArray(actual) && actual.length === wanted)

/** A value as a script writes it, long ones cut. */
export function show(value: unknown): string {
  if (value === undefined) return 'absent'
  const text = typeof value === 'string' && /^[\w.-]+$/.test(value) ? value : JSON.stringify(value)
  return text.length > 120 ? `${text.slice(0, 117)}…` : text
}
