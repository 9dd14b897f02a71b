import { niceTop } from './budget-svg.ts'
import { amount } from './budget-words.ts'
import type { ReportView } from './report-view.ts'

const BOX = { width: 720, height: 210, left: 76, right: 12, top: 14, bottom: 28 } as const
const FLOOR = BOX.height - BOX.bottom
const TICKS = 4
// What niceTop keeps free above the largest; here a line may lie on the edge.
const MARGIN = 1.02

/** Questions by hour, as bars. */
export function questionsSvg({ askedByHour, asked }: ReportView): string {
  const top = Math.max(TICKS, niceTop(Math.max(1, ...askedByHour) / MARGIN))
  const y = scale(top)
  const bars = askedByHour.map((n, hour) =>
    n > 0
      ? `<rect x="${x(hour) + 3}" y="${y(n)}" width="${round(x(1) - x(0) - 6)}" height="${round(FLOOR - y(n))}" rx="2"/>`
      : '',
  )
  return picture(`${asked} questions by hour`, [...grid(top, String), ...bars])
}

/** What was spent by the end of each hour, against the day's cap. */
export function costSvg({ costByHour, book, spentNano, currency }: ReportView): string {
  const top = niceTop(Math.max(book.capNano, spentNano, 1) / MARGIN)
  const y = scale(top)
  let spent = 0
  const points = costByHour.map((nano, hour) => {
    spent += nano
    return `${x(hour + 1)},${y(spent)}`
  })
  const line = [`${x(0)},${FLOOR}`, ...points].join(' L ')
  return picture(`${amount(spentNano)} ${currency} spent of ${amount(book.capNano)}`, [
    ...grid(top, amount),
    `<path class="cap" d="M ${x(0)},${y(book.capNano)} H ${x(24)}"/>`,
    `<path class="area" d="M ${line} V ${FLOOR} Z"/>`,
    `<path class="curve" d="M ${line}"/>`,
  ])
}

const round = (value: number): number => Math.round(value * 10) / 10
const x = (hour: number): number => round(BOX.left + (hour / 24) * (BOX.width - BOX.left - BOX.right))
const scale = (top: number) => (value: number) => round(FLOOR - (value / top) * (FLOOR - BOX.top))

function grid(top: number, label: (value: number) => string): string[] {
  const y = scale(top)
  const rows = Array.from({ length: TICKS + 1 }, (_, i) => (top / TICKS) * i).map(
    (value) =>
      `<path class="grid" d="M ${x(0)},${y(value)} H ${x(24)}"/><text class="end" x="${BOX.left - 8}" y="${y(value) + 4}">${label(value)}</text>`,
  )
  const hours = [0, 6, 12, 18, 24].map(
    (hour) => `<text class="${hour === 24 ? 'end' : 'middle'}" x="${x(hour)}" y="${FLOOR + 20}">${hour} h</text>`,
  )
  return [...rows, ...hours]
}

const picture = (told: string, drawn: readonly string[]): string =>
  `<svg viewBox="0 0 ${BOX.width} ${BOX.height}" role="img" aria-label="${told.trim()}">${drawn.join('')}</svg>`
