import { writeFile } from 'node:fs/promises'
import type { Clock } from './clock.ts'
import { command, requireThere } from './command.ts'
import type { Config } from './config.ts'
import { CannotStart } from './exit.ts'
import { silentLog } from './log.ts'
import { BUDGET_USAGE, type BudgetFlags, readBudgetFlags } from './ops/budget-flags.ts'
import { budgetSvg } from './ops/budget-svg.ts'
import { budgetText } from './ops/budget-text.ts'
import { type BudgetView, viewOf } from './ops/budget-view.ts'
import { amount, haltReason } from './ops/budget-words.ts'
import { currencyOf } from './quota/prices.ts'
import { shortWindows } from './quota/short-days.ts'
import { windows } from './quota/windows.ts'
import { initStore, isRedis, openStore } from './stores/open.ts'
import type { Store } from './stores/port.ts'

const NANO = 1_000_000_000

type Wanted = Extract<BudgetFlags, { kind: 'run' }>

/** The admin's look at the money. */
export const budgetCommand = command<Wanted>({ usage: BUDGET_USAGE, readFlags: readBudgetFlags, run })

async function run(config: Config, flags: Wanted, clock: Clock): Promise<string> {
  const said = flags.init ? [await init(config.storeUrl)] : []
  await requireThere(config.storeUrl)
  const store = await openStore(config.storeUrl, { clock, log: silentLog })
  try {
    const look = lookAt(store, config, clock)
    if (flags.resume) said.push(await resume(store, await look()))
    if (flags.raiseNano !== undefined) said.push(await raise(store, look, flags.raiseNano))
    const view = await look()
    if (flags.svg !== undefined) {
      await writeSvg(flags.svg, view)
      said.push(`${flags.svg} drawn.`)
    }
    if (flags.json) return `${JSON.stringify({ ...view, done: said }, null, 2)}\n`
    return [...said, budgetText(view)].join('\n\n')
  } finally {
    await store.close()
  }
}

async function init(url: string): Promise<string> {
  if (!isRedis(url)) return '--init is for Redis: nothing to do here.'
  return (await initStore(url, silentLog))
    ? 'This Redis is ready, with nothing spent.'
    : 'This Redis was ready already.'
}

function lookAt(store: Store, config: Config, clock: Clock): () => Promise<BudgetView> {
  const { budget, prices, gemini } = config
  const windowAt = budget.daySeconds === undefined ? windows(budget.timeZone) : shortWindows(budget.daySeconds)
  const caps = { dayNano: Math.round(budget.perDay * NANO), monthNano: Math.round(budget.perMonth * NANO) }
  const currency = currencyOf(gemini.model, prices)
  return async () => {
    const at = clock.now()
    const window = windowAt(at)
    const report = await store.ledger.report(window, caps)
    const counts = await store.diary.read(report.day)
    const { timeZone, pacing, sharePerAddress: share } = budget
    return viewOf({ report, window, at, timeZone, caps, share, pacing, currency, counts })
  }
}

async function resume(store: Store, { report, window }: BudgetView): Promise<string> {
  await store.ledger.resume(window)
  if (report.halted === undefined) return 'Nothing was halted; the clock is accepted as it stands.'
  return `It was halted: ${haltReason(report.halted)}. Questions are admitted again.`
}

async function raise(store: Store, look: () => Promise<BudgetView>, nano: number): Promise<string> {
  const before = await look()
  await store.ledger.raise(before.report.day, nano)
  const after = await look()
  const said = `Today's cap rises from ${amount(before.capNano)} to ${amount(after.capNano)}.`
  return after.capNano - before.capNano < nano ? `${said} The month's budget leaves no more.` : said
}

async function writeSvg(file: string, view: BudgetView): Promise<void> {
  try {
    await writeFile(file, budgetSvg(view))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new CannotStart([`--svg: ${file} can't be written (${code})`])
  }
}
