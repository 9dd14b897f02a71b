import { type Answered, invalid } from './errors.ts'

/** The members of a JSON object, by their camelCase names. */
export type Fields = ReadonlyMap<string, unknown>
export type Problem = Answered | undefined

const PACKAGE = 'google.ai.generativelanguage.v1beta'

/** A JSON object's members, nulls left out; Google reads snake_case names as well. Undefined for anything else. */
export function fieldsOf(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return new Map(Object.entries(value).flatMap(([name, it]) => (it === null ? [] : [[camel(name), it]])))
}

/** The 400 for the first name that `known` lacks; `at` is the path of the object. */
export function unknownName(fields: Fields, known: readonly string[], at = ''): Problem {
  const strange = [...fields.keys()].find((name) => !known.includes(name))
  if (strange === undefined) return undefined
  const where = at === '' ? '' : ` at '${at}'`
  return invalid(`Invalid JSON payload received. Unknown name "${strange}"${where}: Cannot find field.`, at)
}

/** The 400 for a value of the wrong message or enum type. */
export const wrongValue = (at: string, type: string, given: unknown = ''): Answered =>
  invalid(`Invalid value at '${at}' (type.googleapis.com/${PACKAGE}.${type}), ${JSON.stringify(given) ?? '""'}`, at)

const scalars = {
  TYPE_FLOAT: (value: unknown): boolean => isNumber(value),
  TYPE_INT32: (value: unknown): boolean => isInteger(value),
  TYPE_BOOL: (value: unknown): boolean => typeof value === 'boolean',
}

/** The 400 for the first of `names` that is there and is not of `type`. */
export function wrongType(fields: Fields, names: readonly string[], type: keyof typeof scalars, at = ''): Problem {
  const wrong = names.find((name) => fields.has(name) && !scalars[type](fields.get(name)))
  if (wrong === undefined) return undefined
  const path = [at, wrong.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)].filter(Boolean).join('.')
  return invalid(`Invalid value at '${path}' (${type}), ${JSON.stringify(fields.get(wrong))}`, path)
}

// Google's JSON reader takes numbers as strings too.
const isNumber = (value: unknown): boolean =>
  (typeof value === 'number' || typeof value === 'string') && value !== '' && Number.isFinite(Number(value))
const isInteger = (value: unknown): boolean => isNumber(value) && Number.isInteger(Number(value))

/** A whole number, also one written as a string. */
export const integerOf = (value: unknown): number | undefined => (isInteger(value) ? Number(value) : undefined)

/** A string as it is, anything else as ''. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
