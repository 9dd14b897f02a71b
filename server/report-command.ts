import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from './clock.ts'
import { command, requireThere, sqliteFile } from './command.ts'
import type { Config } from './config.ts'
import { oldestDay } from './diary.ts'
import { CannotStart } from './exit.ts'
import { silentLog } from './log.ts'
import { REPORT_USAGE, type ReportFlags, readReportFlags } from './ops/report-flags.ts'
import { reportHtml, WITH_WORDS } from './ops/report-html.ts'
import { reportText } from './ops/report-text.ts'
import { type ReportView, reportOf } from './ops/report-view.ts'
import { currencyOf } from './quota/prices.ts'
import { type Window, windowNamed, windows } from './quota/windows.ts'
import { openStore } from './stores/open.ts'
import { type Store, StoreError } from './stores/port.ts'
import { vault } from './vault.ts'

const NANO = 1_000_000_000

type Wanted = Extract<ReportFlags, { kind: 'run' }>

/** A day's report from the store. */
export const reportCommand = command<Wanted>({ usage: REPORT_USAGE, readFlags: readReportFlags, run })

type Look = (window: Window) => Promise<ReportView>

async function run(config: Config, flags: Wanted, clock: Clock): Promise<string> {
  const windowAt = windows(config.budget.timeZone)
  const window = flags.day === undefined ? yesterday(windowAt, clock.now()) : windowNamed(flags.day, windowAt)
  if (!window) throw new CannotStart([`--day: there was no ${flags.day} in ${config.budget.timeZone}`])
  await requireThere(config.storeUrl)
  const store = await openStore(config.storeUrl, { clock, log: silentLog })
  try {
    const look = lookAt(store, config)
    if (flags.text) return reportText(await look(window))
    const folder = flags.out ?? folderBeside(config.storeUrl)
    return await write(folder, look, window, (day) => windowNamed(day, windowAt))
  } finally {
    await store.close()
  }
}

const yesterday = (windowAt: (now: number) => Window, now: number): Window => windowAt(windowAt(now).startsAt - 1)

function folderBeside(storeUrl: string): string {
  const path = sqliteFile(storeUrl)
  return path === undefined ? join('data', 'reports') : join(dirname(path), 'reports')
}

function lookAt(store: Store, { budget, prices, gemini, reportQuestions, adminToken }: Config): Look {
  const caps = { dayNano: Math.round(budget.perDay * NANO), monthNano: Math.round(budget.perMonth * NANO) }
  const currency = currencyOf(gemini.model, prices)
  const wordsOf = async ({ startsAt, endsAt }: Window) => {
    if (!reportQuestions || adminToken === undefined) return undefined
    const safe = vault.safe(adminToken)
    const blobs = await store.questions.between(startsAt, endsAt)
    return blobs.flatMap((blob) => safe.open(blob) ?? [])
  }
  return async (window) => {
    const { day } = window
    const [book, counts] = [await store.ledger.day(window, caps), await store.diary.read(day)]
    return reportOf({ day, timeZone: budget.timeZone, currency, book, counts, questions: await wordsOf(window) })
  }
}

const REPORT = /^(\d{4}-\d\d-\d\d)\.(?:html|txt)$/

async function write(
  folder: string,
  look: Look,
  window: Window,
  named: (day: string) => Window | undefined,
): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await tidy(folder, look, window, named)
    const files = await writeOne(folder, await look(window))
    return files.map((file) => `${file}\n`).join('')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error) || error instanceof StoreError) throw error
    throw new CannotStart([`--out: ${folder} can't be written (${String(error.code)})`])
  }
}

async function writeOne(folder: string, view: ReportView): Promise<string[]> {
  const files: [string, string][] = [
    [join(folder, `${view.day}.html`), reportHtml(view)],
    [join(folder, `${view.day}.txt`), reportText(view)],
  ]
  for (const [file, text] of files) await writeFile(file, text, { mode: 0o600 })
  return files.map(([file]) => file)
}

/** Removes what is too old. A report with visitors' words is made anew: what has expired is no longer in it. */
async function tidy(folder: string, look: Look, { day }: Window, named: (day: string) => Window | undefined) {
  for (const name of await readdir(folder)) {
    const of = REPORT.exec(name)?.[1]
    if (of === undefined) continue
    const file = join(folder, name)
    if (of < oldestDay(day)) await rm(file)
    else if (name.endsWith('.html') && (await readFile(file, 'utf8')).includes(WITH_WORDS)) {
      const window = named(of)
      if (window) await writeOne(folder, await look(window))
    }
  }
}
