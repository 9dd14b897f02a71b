import type { BudgetView } from './budget-view.ts'
import { amount, moment } from './budget-words.ts'

const BOX = { width: 760, height: 400, left: 74, right: 18, top: 62, bottom: 40 } as const
const FLOOR = BOX.height - BOX.bottom
const TICKS = 4

/** The day's curve against the cap and the pacing line: one SVG file that stands alone, in light and in dark. */
export function budgetSvg(view: BudgetView): string {
  const { capNano, curve, pace, pacing, bookedNano, hourNow: now } = view
  const top = niceTop(Math.max(capNano, bookedNano, 1))
  const y = (nano: number) => round(FLOOR - (nano / top) * (FLOOR - BOX.top))
  const points = [[0, 0], ...curve.map((booked, i) => [Math.min(i + 1, now), booked])].map(
    ([hour = 0, nano = 0]) => `${x(hour)},${y(nano)}`,
  )
  const line = points.join(' L ')
  const drawn = [
    ...gridOf(top, y),
    pacing ? `<path class="pace" d="M ${pace.map((nano, hour) => `${x(hour)},${y(nano)}`).join(' L ')}"/>` : '',
    `<path class="cap" d="M ${x(0)},${y(capNano)} H ${x(24)}"/>`,
    `<path class="area" d="M ${line} L ${x(now)},${FLOOR} L ${x(0)},${FLOOR} Z"/>`,
    `<path class="curve" d="M ${line}"/>`,
    `<circle class="now" cx="${x(now)}" cy="${y(bookedNano)}" r="4"/>`,
    ...legendOf(view),
  ]
  return framed(
    view,
    drawn.filter((part) => part !== ''),
  )
}

const round = (value: number): number => Math.round(value * 10) / 10
const x = (hour: number): number => round(BOX.left + (hour / 24) * (BOX.width - BOX.left - BOX.right))

/** The smallest 1, 2 or 5 times a power of ten, times the ticks, that holds `nano`. */
export function niceTop(nano: number): number {
  const raw = (nano * 1.02) / TICKS
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) ?? 10
  return step * power * TICKS
}

function gridOf(top: number, y: (nano: number) => number): string[] {
  const rows = Array.from({ length: TICKS + 1 }, (_, i) => (top / TICKS) * i).map(
    (nano) =>
      `<path class="grid" d="M ${x(0)},${y(nano)} H ${x(24)}"/><text x="${BOX.left - 8}" y="${y(nano) + 4}" class="end">${amount(nano)}</text>`,
  )
  const columns = [0, 3, 6, 9, 12, 15, 18, 21, 24].map(
    (hour) => `<text x="${x(hour)}" y="${FLOOR + 20}" class="middle">${hour} h</text>`,
  )
  return [...rows, ...columns]
}

function legendOf(view: BudgetView): string[] {
  const unit = view.currency && ` ${view.currency}`
  const entries: [string, string][] = [
    ['curve', `spent and held: ${amount(view.bookedNano)}${unit}`],
    ['cap', `cap: ${amount(view.capNano)}${unit}`],
    ...(view.pacing ? ([['pace', `released: ${amount(view.releasedNano)}${unit}`]] satisfies [string, string][]) : []),
  ]
  return entries.map(
    ([kind, words], i) =>
      `<path class="${kind}" d="M ${BOX.left + i * 228},44 h 24"/><text x="${BOX.left + 32 + i * 228}" y="48">${escapeXml(words)}</text>`,
  )
}

const STYLE = `
  svg { --paper: #fff; --ink: #1f2933; --soft: #667380; --line: #dde3e8; --curve: #0b6bb8; --cap: #b42318; --pace: #64748b; background: var(--paper) }
  @media (prefers-color-scheme: dark) { svg { --paper: #11181f; --ink: #e6edf3; --soft: #9aa8b5; --line: #2a343e; --curve: #5cb3ff; --cap: #ff8a7a; --pace: #94a3b8 } }
  text { font: 12px system-ui, sans-serif; fill: var(--soft) }
  .title { font-size: 15px; font-weight: 600; fill: var(--ink) }
  .end { text-anchor: end } .middle { text-anchor: middle }
  path { fill: none } .grid { stroke: var(--line) }
  .curve { stroke: var(--curve); stroke-width: 2.5; stroke-linejoin: round } .area { fill: var(--curve); opacity: .14 }
  .cap { stroke: var(--cap); stroke-width: 2 } .pace { stroke: var(--pace); stroke-width: 1.5; stroke-dasharray: 5 4 }
  .now { fill: var(--curve); stroke: var(--paper); stroke-width: 2 }`

function framed(view: BudgetView, drawn: readonly string[]): string {
  const title = `Budget of ${view.report.day}, ${moment(view.at, view.timeZone).slice(-5)} ${view.timeZone}`
  const told = `${amount(view.bookedNano)} of ${amount(view.capNano)} ${view.currency} spent or held`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${BOX.width} ${BOX.height}" role="img" aria-labelledby="t d">
<title id="t">${escapeXml(title)}</title>
<desc id="d">${escapeXml(told)}</desc>
<style>${STYLE}
</style>
<rect width="100%" height="100%" style="fill: var(--paper)"/>
<text x="${BOX.left}" y="24" class="title">${escapeXml(title)}</text>
${drawn.join('\n')}
</svg>
`
}

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
