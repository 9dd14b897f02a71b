const BOX = { width: 720, left: 170, right: 90, row: 30, top: 56 } as const
const STYLE = `
  svg { --paper: #fff; --ink: #1f2933; --soft: #667380; --line: #dde3e8; --bar: #94a3b8; --ours: #0b6bb8; background: var(--paper) }
  @media (prefers-color-scheme: dark) { svg { --paper: #11181f; --ink: #e6edf3; --soft: #9aa8b5; --line: #2a343e; --bar: #64748b; --ours: #5cb3ff } }
  text { font: 12px system-ui, sans-serif; fill: var(--soft) } .title { font-size: 15px; font-weight: 600; fill: var(--ink) }
  .end { text-anchor: end } .bar { fill: var(--bar) } .ours { fill: var(--ours) } .spread { stroke: var(--ink); stroke-width: 1.5 }
  .grid { stroke: var(--line); fill: none } .curve { stroke: var(--ours); stroke-width: 2.5; fill: none }`

export type Bar = { name: string; value: number; low: number; high: number; ours: boolean }

/** Bars from zero with what each spread over; shorter is said to be better, or longer. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const top = Math.max(...bars.map(({ high }) => high), 1e-9)
  const x = (value: number) => BOX.left + (value / top) * (BOX.width - BOX.left - BOX.right)
  const drawn = bars.map(({ name, value, low, high, ours }, i) => {
    const y = BOX.top + i * BOX.row
    return `<text x="${BOX.left - 10}" y="${y + 15}" class="end">${escapeXml(name)}</text>
<rect x="${BOX.left}" y="${y}" width="${(x(value) - BOX.left).toFixed(1)}" height="20" class="${ours ? 'ours' : 'bar'}"/>
<path d="M ${x(low).toFixed(1)},${y + 10} H ${x(high).toFixed(1)}" class="spread"/>
<text x="${(x(high) + 8).toFixed(1)}" y="${y + 15}">${rounded(value)} ${escapeXml(unit)}</text>`
  })
  return framed(title, BOX.top + bars.length * BOX.row + 12, drawn)
}

export type Point = readonly [x: number, y: number]

/** One curve over `x` from zero, both axes named. */
export function lineChart(title: string, xName: string, yName: string, points: readonly Point[]): string {
  const height = 300
  const floor = height - 44
  const [xTop, yTop] = [0, 1].map((axis) => Math.max(...points.map((point) => point[axis] ?? 0), 1e-9))
  const x = (value: number) => 70 + (value / (xTop ?? 1)) * (BOX.width - 100)
  const y = (value: number) => floor - (value / (yTop ?? 1)) * (floor - BOX.top)
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  return framed(title, height, [
    ...ticks.map(
      (part) =>
        `<path class="grid" d="M 70,${y(part * (yTop ?? 1)).toFixed(1)} H ${BOX.width - 30}"/><text x="62" y="${y(part * (yTop ?? 1)) + 4}" class="end">${rounded(part * (yTop ?? 1))}</text><text x="${x(part * (xTop ?? 1))}" y="${floor + 18}" class="end">${rounded(part * (xTop ?? 1))}</text>`,
    ),
    `<path class="curve" d="M ${points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' L ')}"/>`,
    `<text x="${BOX.width - 30}" y="${height - 8}" class="end">${escapeXml(xName)}</text>`,
    `<text x="20" y="46">${escapeXml(yName)}</text>`,
  ])
}

function framed(title: string, height: number, drawn: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${BOX.width} ${height}" role="img" aria-label="${escapeXml(title)}">
<style>${STYLE}
</style>
<rect width="100%" height="100%" style="fill: var(--paper)"/>
<text x="20" y="26" class="title">${escapeXml(title)}</text>
${drawn.join('\n')}
</svg>
`
}

const rounded = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)
const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
