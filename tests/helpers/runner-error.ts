import { compare } from 'uvu/diff'

/** An error as a reader wants it: what was asserted, the difference, and the lines of ours that led there. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`
  const operator: unknown = Reflect.get(error, 'operator')
  const head = typeof operator === 'string' ? `${error.message}  (${operator})` : `${error.name}: ${error.message}`
  const cause = error.cause === undefined ? [] : [`cause: ${describeError(error.cause)}`]
  return [head, ...differenceOf(error), ...stackOf(error), ...cause].join('\n')
}

function differenceOf(error: Error): string[] {
  const details: unknown = Reflect.get(error, 'details')
  if (typeof details === 'string') return [details.trimEnd()]
  if (!('actual' in error) || !('expected' in error) || !error.name.startsWith('AssertionError')) return []
  return [compare(error.actual, error.expected).trimEnd()]
}

function stackOf(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return lines.filter((line) => !/node:|node_modules|helpers\/runner-/.test(line)).slice(0, 8)
}
