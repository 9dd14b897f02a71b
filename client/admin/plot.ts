import uPlot from 'uplot'
import { attribute } from '../dom.ts'

/** One line of a plot; `color` is a custom property of the style sheet. */
export type Line = { label: string; color: string; dash?: number[]; filled?: true }
export type PlotOptions = {
  lines: readonly Line[]
  /** Times in epoch seconds, or hours of a day. */
  x: { kind: 'time'; timeZone: string } | { kind: 'hours' }
  value(n: number): string
  /** On the axis; else plain numbers. */
  mark?(n: number): string
}
/** x first, then each line; null: nothing there. */
export type PlotData = [xs: number[], ...lines: (number | null)[][]]

const HEIGHT = 220

/** A picture of lines that follows its box's width and the colour scheme; made when it is first drawn. */
export class Plot {
  #plot: uPlot | undefined
  #data: PlotData = [[]]
  #words = ''

  constructor(
    private readonly box: HTMLElement,
    private readonly options: PlotOptions,
  ) {
    new ResizeObserver(() => this.#plot?.setSize({ width: box.clientWidth, height: HEIGHT })).observe(box)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot?.destroy()
      this.#plot = undefined
      this.draw(this.#data, this.#words)
    })
  }

  /** `words` are for those who don't see it. */
  draw(data: PlotData, words: string): void {
    this.#data = data
    this.#words = words
    attribute(this.box, 'role', 'img')
    attribute(this.box, 'aria-label', words)
    if (this.#plot) this.#plot.setData(data)
    else this.#plot = new uPlot(optionsOf(this.options, this.box), data, this.box)
    // Where nobody points, the legend says how it is now.
    const { cursor } = this.#plot
    if (cursor.idx == null) this.#plot.setLegend({ idx: lastOf(data) }, false)
  }
}

/** The last place where the first line is drawn; where it is nowhere, the last. */
function lastOf([xs, line = []]: PlotData): number {
  for (let i = xs.length - 1; i > 0; i--) if (line[i] != null) return i
  return xs.length - 1
}

function optionsOf({ lines, x, value, mark }: PlotOptions, box: HTMLElement): uPlot.Options {
  const style = getComputedStyle(box)
  const color = (name: string) => style.getPropertyValue(name).trim()
  const axis = { stroke: color('--soft'), grid: { stroke: color('--grid'), width: 1 }, ticks: { show: false } }
  const shown = (_: uPlot, n: number | null) => (n == null ? '–' : value(n))
  const timed = x.kind === 'time'
  const clock = (timeStyle: 'short' | 'medium') =>
    new Intl.DateTimeFormat('en-GB', { timeStyle, ...(timed && { timeZone: x.timeZone }) })
  const [minutes, seconds] = [clock('short'), clock('medium')]
  const time = (s: number, step: number) => (step < 60 ? seconds : minutes).format(s * 1000)
  return {
    width: box.clientWidth,
    height: HEIGHT,
    ...(timed && { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1000), x.timeZone) }),
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: timed ? { time: true } : { time: false, range: [0, 24] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
    },
    axes: [
      timed
        ? { ...axis, size: 34, space: 70, values: (_, at, __, ___, step) => at.map((s) => time(s, step)) }
        : { ...axis, size: 34, splits: () => [0, 6, 12, 18, 24], values: (_, at) => at.map(hour) },
      { ...axis, size: 56, ...(mark && { values: (_: uPlot, at: number[]) => at.map(mark) }) },
    ],
    series: [
      timed
        ? { label: 'Time', value: (_, n: number | null) => (n == null ? '–' : time(n, 1)) }
        : { label: 'Hour', value: (_, n: number | null) => (n == null ? '–' : hour(n)) },
      ...lines.map(({ label, color: name, dash, filled }) => ({
        label,
        stroke: color(name),
        width: 2,
        value: shown,
        points: { show: false },
        ...(dash && { dash }),
        ...(filled && { fill: `${color(name)}26` }),
      })),
    ],
  }
}

const hour = (n: number) => `${Math.round(n * 10) / 10} h`
