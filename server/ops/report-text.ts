import { tame } from './log-text.ts'
import type { ReportView } from './report-view.ts'
import { headline, money, partsOf, type Row } from './report-words.ts'

const BAR = 20

/** The report as mail carries it; ends with a line feed. */
export function reportText(view: ReportView): string {
  const parts = partsOf(view).map(({ title, rows, none }) => [
    title,
    ...(rows.length > 0 ? lines(rows) : [`  ${none}`]),
  ])
  return `${[
    [`Le Mécano, ${view.day} (${view.timeZone})`],
    lines(headline(view)),
    hours(view),
    ...parts,
    questions(view),
  ]
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n')}\n`
}

function lines(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(({ label }) => label.length))
  return rows.map(({ label, value }) => `  ${label.padEnd(width)}  ${value}`)
}

function hours(view: ReportView): string[] {
  const { askedByHour, costByHour } = view
  const most = Math.max(...askedByHour)
  if (most === 0) return ['By hour', '  No question was asked.']
  const busy = askedByHour.flatMap((asked, hour) => (asked > 0 || (costByHour[hour] ?? 0) > 0 ? [hour] : []))
  return [
    'By hour',
    ...busy.map((hour) => {
      const asked = askedByHour[hour] ?? 0
      const bar = '#'.repeat(Math.ceil((asked / most) * BAR)).padEnd(BAR)
      return `  ${String(hour).padStart(2, '0')} h  ${bar}  ${String(asked).padStart(5)}  ${money(view, costByHour[hour] ?? 0)}`
    }),
  ]
}

function questions({ questions }: ReportView): string[] {
  if (questions === undefined) return []
  const title = 'Questions on which the notes seem to say nothing'
  return questions.length === 0 ? [title, '  None.'] : [title, ...questions.map((text) => `  - ${tame(text)}`)]
}
