import { relative } from 'node:path'
import type { Verdict } from './runner-verdict.ts'

export type Totals = { passed: number; failed: number; skipped: number }

/** One line for a file that went well; else its failures and what it printed. */
export function linesOf(verdict: Verdict): string[] {
  const name = relative(process.cwd(), verdict.file)
  const bad = verdict.failed.length > 0
  const skipped = verdict.skipped.length > 0 ? `, ${verdict.skipped.length} skipped` : ''
  const head = `${bad ? 'FAIL' : 'ok  '}  ${name}  ${verdict.passed} passed${skipped}  ${Math.round(verdict.ms)} ms`
  const failures = verdict.failed.flatMap(({ name, why }) => ['', `  ✘ ${name}`, indent(why)])
  const output = printable(verdict.output)
  const printed = bad && output !== '' ? ['', '  it printed:', indent(output)] : []
  return [head, ...failures, ...printed, ...(bad ? [''] : []), ...skippedLines(verdict)]
}

function skippedLines({ skipped }: Verdict): string[] {
  const reasons = new Map<string, string[]>()
  for (const { name, why } of skipped) reasons.set(why, [...(reasons.get(why) ?? []), name])
  return [...reasons].map(([why, names]) => `  skipped: ${names.join(', ')}\n    ${why}`)
}

export function totalsOf(verdicts: readonly Verdict[]): Totals {
  const sum = (of: (verdict: Verdict) => number) => verdicts.reduce((total, verdict) => total + of(verdict), 0)
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed.length),
    skipped: sum(({ skipped }) => skipped.length),
  }
}

export const lastLine = ({ passed, failed, skipped }: Totals): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`

const indent = (text: string): string => text.replace(/^/gm, '    ')

// uvu's own marks and totals say nothing that ours don't; control characters would move the reader's cursor.
const printable = (output: string): string =>
  output
    .replace(/[•✘] /g, '')
    .replace(/^ {2}\(\d+ \/ \d+\)$/gm, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: leaving them out is the point
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, '')
    .trim()
