import type { AdminAbout, AdminBudget, AdminFigures, AdminHistory } from '../../protocol/admin.ts'
import { need, say } from '../dom.ts'
import { Plot } from './plot.ts'
import { budgetLines, overTime, slotsOf } from './series.ts'
import { Table } from './table.ts'
import { drawTiles, type Tile } from './tiles.ts'
import { age, clockTime, duration, megabytes, money, number, percent } from './words.ts'

/** All that is known; `budget` null: the store does not tell, undefined: it was not asked yet. */
export type Known = {
  about: AdminAbout
  history: AdminHistory
  figures: AdminFigures
  budget: AdminBudget | null | undefined
}

const NEARLY = 0.8
const box = (kind: 'plot' | 'table', name: string) => need(document, `[data-${kind}=${name}]`, HTMLElement)
const byId = (id: string) => need(document, `#${id}`, HTMLElement)

/** The figures, pictures and tables; `draw` may come as often as it likes. */
export class BoardView {
  readonly #clock: ReturnType<typeof clockTime>
  readonly #plots: Record<'budget' | 'load' | 'first' | 'flow', Plot>
  readonly #tables: Record<'budget' | 'hour' | 'refusals' | 'failures' | 'events', Table>

  constructor({ timeZone, currency }: AdminAbout) {
    this.#clock = clockTime(timeZone)
    const time = { kind: 'time', timeZone } as const
    const plot = (name: string, options: ConstructorParameters<typeof Plot>[1]) => new Plot(box('plot', name), options)
    this.#plots = {
      budget: plot('budget', {
        x: { kind: 'hours' },
        value: (n) => money(n, currency),
        lines: [
          { label: 'Booked', color: '--plot-1', filled: true },
          { label: 'Released', color: '--plot-2', dash: [6, 4] },
          { label: 'Cap', color: '--plot-3' },
        ],
      }),
      load: plot('load', {
        x: time,
        value: number,
        lines: [
          { label: 'Connections', color: '--plot-1', filled: true },
          { label: 'Answers', color: '--plot-2' },
        ],
      }),
      first: plot('first', {
        x: time,
        value: duration,
        mark: duration,
        lines: [
          { label: 'Half within', color: '--plot-1' },
          { label: '95 % within', color: '--plot-2' },
        ],
      }),
      flow: plot('flow', {
        x: time,
        value: number,
        lines: [
          { label: 'Questions', color: '--plot-1' },
          { label: 'Refusals', color: '--plot-2' },
        ],
      }),
    }
    const table = (name: string, columns: string[], nothing: string, numbers: number[]) =>
      new Table(box('table', name), columns, nothing, numbers)
    this.#tables = {
      budget: table('budget', ['Until', 'Booked', 'Released'], 'The store does not tell.', [1, 2]),
      hour: table(
        'hour',
        ['From', 'Connections', 'Answers', 'Half', '95 %', 'Questions', 'Refusals'],
        'Nothing yet.',
        [1, 2, 3, 4, 5, 6],
      ),
      refusals: table('refusals', ['Why', 'Last minute', 'Since start'], 'None since the start.', [1, 2]),
      failures: table('failures', ['Last at', 'Of', 'Kind', 'In a row'], 'None since the start.', [3]),
      events: table('events', ['At', 'What'], 'None.', []),
    }
  }

  draw(known: Known): void {
    const { about, history, figures, budget } = known
    say(byId('alert'), alertOf(known))
    byId('alert').hidden = alertOf(known) === ''
    say(byId('zone'), about.timeZone)
    drawTiles(byId('tiles'), tilesOf(known))
    const { now } = figures
    this.#plots.load.draw(
      overTime(history, history.connections, history.streams),
      `Now ${number(now.connections)} connections and ${number(now.streams)} answers on their way.`,
    )
    this.#plots.first.draw(
      overTime(history, history.firstP50, history.firstP95),
      `In the last five minutes half began within ${duration(now.firstP50)}, 95 % within ${duration(now.firstP95)}.`,
    )
    this.#plots.flow.draw(
      overTime(history, history.questions, history.refused),
      `In the last minute ${number(now.questions)} questions and ${number(now.refused)} refusals.`,
    )
    this.#tables.hour.draw(
      slotsOf(history).map((slot) => [
        this.#clock.time(slot.at).slice(0, 5),
        number(slot.connections),
        number(slot.streams),
        duration(slot.firstP50),
        duration(slot.firstP95),
        number(slot.questions),
        number(slot.refused),
      ]),
    )
    this.#tables.refusals.draw(figures.refusals.map((row) => [row.why, number(row.lastMinute), number(row.sinceStart)]))
    this.#tables.failures.draw(
      figures.failures.map((row) => [this.#clock.moment(row.at), row.of, row.kind, number(row.count)]),
    )
    if (budget) this.#drawBudget(budget, about.currency)
  }

  #drawBudget(budget: AdminBudget, currency: string): void {
    const words = budgetWords(budget, currency)
    say(byId('budget-words'), words)
    this.#plots.budget.draw(budgetLines(budget), words)
    this.#tables.budget.draw(
      budget.curve.map((booked, hour) => [
        `${hour + 1} h`,
        money(booked, currency),
        money(budget.pace[hour + 1] ?? budget.cap, currency),
      ]),
    )
    this.#tables.events.draw(budget.events.map(({ at, text }) => [this.#clock.moment(at), text]))
  }
}

function alertOf({ budget }: Known): string {
  if (budget === null) return 'The store does not answer: every question is refused until it does.'
  if (!budget?.halted) return ''
  return `Admission is halted: ${budget.halted}. No question reaches the model until you run: npm run budget -- --resume`
}

function budgetWords({ spent, held, cap, released, tomorrow }: AdminBudget, currency: string): string {
  const amount = (n: number) => money(n, currency)
  const booked = `${amount(spent + held)} of ${amount(cap)} booked (${percent(spent + held, cap)})`
  return `${booked}, ${amount(held)} of it for answers on their way; ${amount(released)} released by now; tomorrow's cap ${amount(tomorrow)} if nothing more is spent.`
}

function tilesOf(known: Known): Tile[] {
  const { figures, history } = known
  const { now, model } = figures
  const most = Math.max(now.connections, ...history.connections)
  const slow = (now.firstP95 ?? 0) > 5000
  return [
    { name: 'Connections', value: number(now.connections), note: `most in the hour: ${number(most)}` },
    { name: 'Answers on their way', value: number(now.streams), note: 'being generated' },
    { name: 'Questions a minute', value: number(now.questions), note: 'admitted or refused' },
    {
      name: 'First words',
      value: duration(now.firstP50),
      note: `95 % within ${duration(now.firstP95)}`,
      tone: slow ? 'warn' : undefined,
    },
    { name: 'Refusals a minute', value: number(now.refused), note: 'connections, messages, questions' },
    ...moneyTiles(known),
    {
      name: 'Calls of the model',
      value: number(model.calls),
      note: `in the last minute, ${number(model.failed)} failed`,
      tone: model.failed === 0 ? undefined : model.failed * 2 > model.calls ? 'bad' : 'warn',
    },
    ...serverTiles(known),
  ]
}

function moneyTiles({ about, budget }: Known): Tile[] {
  if (!budget) return ['Budget today', 'Budget this month'].map((name) => ({ name, value: '–', note: 'not known' }))
  const { spent, held, cap, halted, monthBooked, monthCap, rush } = budget
  const of = (part: number, all: number) => `${money(part, about.currency)} of ${money(all, about.currency)}`
  const tone = (part: number, all: number) => (part >= all * NEARLY ? 'warn' : undefined)
  return [
    {
      name: 'Budget today',
      value: percent(spent + held, cap),
      note: halted === null ? `${of(spent + held, cap)}${rush ? ', a rush is on' : ''}` : 'halted',
      tone: halted === null ? tone(spent + held, cap) : 'bad',
    },
    {
      name: 'Budget this month',
      value: percent(monthBooked, monthCap),
      note: of(monthBooked, monthCap),
      tone: tone(monthBooked, monthCap),
    },
  ]
}

function serverTiles({ about, figures, budget }: Known): Tile[] {
  const { store, process, now } = figures
  const down = budget === null
  const failed = store.failed > 0 ? `, ${number(store.failed)} failed` : ''
  return [
    {
      name: 'Store',
      value: down ? 'down' : 'up',
      note: `${about.store}, 95 % within ${duration(store.p95)}${failed}`,
      tone: down ? 'bad' : store.failed > 0 ? 'warn' : undefined,
    },
    {
      name: 'Process',
      value: `${Math.round(process.busy * 100)}\u00a0% busy`,
      note: `${megabytes(process.rssBytes)}, up ${age(now.at - about.startedAt)}, pid ${about.pid}`,
      tone: process.busy > 0.8 ? 'warn' : undefined,
    },
  ]
}
