import type { LedgerEvent } from '../quota/ledger.ts'
import type { BudgetView } from './budget-view.ts'
import { amount, count, haltReason, moment, percent, refusalReason } from './budget-words.ts'

const BAR = 24

/** The budget as the admin reads it in a terminal; ends with a line feed. */
export function budgetText(view: BudgetView): string {
  const parts = [heading(view), halted(view), sums(view), hours(view), addresses(view), lost(view), refusals(view)]
  return `${[...parts, events(view)]
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n')}\n`
}

function heading({ report, window, at, timeZone }: BudgetView): string[] {
  const lines = [`Budget of ${report.day} · ${moment(at, timeZone)} ${timeZone}`]
  if (report.day > window.day)
    lines.push(`This day was booked before, and the clock says ${window.day} now: the later day goes on until then.`)
  return lines
}

function halted({ report, timeZone }: BudgetView): string[] {
  if (report.halted === undefined) return []
  const since = report.events.filter(({ kind }) => kind === 'halt').at(-1)?.at
  const when = since === undefined ? '' : ` since ${moment(since, timeZone)}`
  return [
    `HALTED${when}: ${haltReason(report.halted)}.`,
    'No question reaches the model until: npm run budget -- --resume',
  ]
}

function sums(view: BudgetView): string[] {
  const { report, capNano, currency, window } = view
  const { spent, month } = report
  const monthBooked = month.spent + month.held
  const unit = currency && ` ${currency}`
  const held = spent.held > 0 ? `, ${amount(spent.held)} held` : ''
  const lines = [
    `Today     ${amount(spent.spent)} of ${amount(capNano)}${unit} spent (${percent(spent.spent, capNano)})${held}, ${amount(view.leftNano)} left`,
    `          ${count(spent.requests, 'call')} to the model, ${count(spent.outputTokens, 'token')} of answers`,
  ]
  if (view.pacing) lines.push(`          ${amount(view.releasedNano)} released by now (pacing)`)
  if (report.raisedNano > 0) lines.push(`          raised by ${amount(report.raisedNano)} for today`)
  if (report.rush)
    lines.push(`          a rush since ${moment(report.rush.since, view.timeZone)}: newcomers wait longer`)
  const monthCap = view.caps.monthNano
  return [
    ...lines,
    `Month     ${amount(monthBooked)} of ${amount(monthCap)}${unit} spent or held (${percent(monthBooked, monthCap)}), ${count(window.daysLeft, 'day')} left`,
    `Tomorrow  ${amount(view.tomorrowNano)}${unit} at most`,
  ]
}

function hours({ report, curve }: BudgetView): string[] {
  const rows = report.hours.slice(0, curve.length)
  const most = Math.max(...rows.map(({ row }) => row.spent + row.held))
  if (!(most > 0)) return ['By hour   nothing yet']
  return [
    'By hour',
    ...rows.map(({ hour, row }) => {
      const booked = row.spent + row.held
      const figures = row.requests > 0 ? `${amount(booked).padStart(9)}  ${count(row.requests, 'call')}` : ''
      return `  ${String(hour).padStart(2, '0')}  ${bar(booked / most)}${figures}`.trimEnd()
    }),
  ]
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** `part` of a bar, in eighths of a character; a trace of something is always seen. */
export function bar(part: number): string {
  const eighths = part > 0 ? Math.max(1, Math.round(part * BAR * 8)) : 0
  return `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8]}`.padEnd(BAR)
}

function addresses({ report, shareNano }: BudgetView): string[] {
  if (report.addresses.length === 0) return []
  return [
    `By address (hashed; one may have ${amount(shareNano)} a day)`,
    ...report.addresses.map(({ key, row }) => {
      const booked = row.spent + row.held
      const of = percent(booked, shareNano)
      return `  ${key.slice(0, 12).padEnd(12)}  ${amount(booked).padStart(9)}  ${of.padStart(5)}  ${count(row.requests, 'call')}`
    }),
  ]
}

function lost(view: BudgetView): string[] {
  const lines: string[] = []
  if (view.lost.count > 0) {
    const { count: holds, nano, processes } = view.lost
    lines.push(
      `Left by a crash: ${count(holds, 'hold')} of ${count(processes, 'process', 'processes')}, ${amount(nano)}.`,
      'They stay counted in their day: the model may have billed them.',
    )
  }
  if (view.open.count > 0) lines.push(`Open now: ${count(view.open.count, 'hold')}, ${amount(view.open.nano)}.`)
  return lines
}

function refusals({ refusals, filtered }: BudgetView): string[] {
  const cut = filtered > 0 ? [`Cut off by the filter today: ${count(filtered, 'answer')}`] : []
  if (refusals.length === 0) return ['Refused today: none', ...cut]
  const rows = refusals.map((each) => `  ${String(each.count).padStart(7)}  ${refusalReason(each)}`)
  return ['Refused today', ...rows, ...cut]
}

const SHOWN_EVENTS = 10

function events({ report, timeZone }: BudgetView): string[] {
  if (report.events.length === 0) return []
  return [
    'Raises and halts',
    ...report.events.slice(-SHOWN_EVENTS).map((event) => `  ${moment(event.at, timeZone)}  ${eventWords(event)}`),
  ]
}

/** What happened to the budget, in words. */
export function eventWords({ kind, detail }: LedgerEvent): string {
  if (kind === 'halt') return `halted: ${haltReason(detail)}`
  if (kind === 'resume') return `resumed (${haltReason(detail)})`
  const [day = '', nano = ''] = detail.split(' ')
  return `${day} raised by ${amount(Number(nano))}`
}
