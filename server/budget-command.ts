import { access, writeFile } from 'node:fs/promises'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { CannotStart, EX_CONFIG } from './exit.ts'
import { loadConfig } from './load-config.ts'
import { silentLog } from './log.ts'
import { BUDGET_USAGE, type BudgetFlags, readBudgetFlags } from './ops/budget-flags.ts'
import { budgetSvg } from './ops/budget-svg.ts'
import { budgetText } from './ops/budget-text.ts'
import { type BudgetView, viewOf } from './ops/budget-view.ts'
import { amount, haltReason } from './ops/budget-words.ts'
import { currencyOf } from './quota/prices.ts'
import { shortWindows } from './quota/short-days.ts'
import { windows } from './quota/windows.ts'
import type { Env } from './settings.ts'
import { initStore, isRedis, openStore } from './stores/open.ts'
import { type Store, StoreError } from './stores/port.ts'

export type BudgetCommand = { args: string[]; env: Env; envFile: string; clock: Clock }
/** What to print, and the exit code: 0; 64 for wrong flags; 78 for what the admin has to change first. */
export type BudgetResult = { code: number; out: string; err: string }

const EX_USAGE = 64
const NANO = 1_000_000_000

/** The admin's look at the money, beside a server that may be running. Rejects only on bugs and full disks. */
export async function budgetCommand({ args, env, envFile, clock }: BudgetCommand): Promise<BudgetResult> {
  const flags = readBudgetFlags(args)
  if (flags.kind === 'help') return { code: 0, out: `${BUDGET_USAGE}\n`, err: '' }
  if (flags.kind === 'wrong') return { code: EX_USAGE, out: '', err: `${flags.mistakes.join('\n')}\nSee --help.\n` }
  try {
    const loaded = await loadConfig(env, envFile)
    if (!loaded.ok) throw new CannotStart(loaded.errors)
    return { code: 0, out: await run(loaded.config, flags, clock), err: '' }
  } catch (error) {
    if (error instanceof CannotStart) return { code: EX_CONFIG, out: '', err: `${error.lines.join('\n')}\n` }
    if (error instanceof StoreError) return { code: EX_CONFIG, out: '', err: `STORE_URL: ${error.message}\n` }
    throw error
  }
}

type Wanted = Extract<BudgetFlags, { kind: 'run' }>

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

/** A store that was never used is not made by looking at it. */
export async function requireThere(url: string): Promise<void> {
  if (url === 'memory:')
    throw new CannotStart(['STORE_URL: memory: lives in the server’s own process and can’t be looked at from here'])
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1]
  if (path === undefined) return
  const there = await access(path).then(
    () => true,
    () => false,
  )
  if (!there) throw new CannotStart([`STORE_URL: there is no ${path} yet: it is made when the server first starts`])
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
