import { join } from 'node:path'
import type { Emulator } from '../emulator/emulator.ts'
import type { AdminSource } from './admin-room.ts'
import { type App, createApp } from './app.ts'
import { createAssistant } from './chat/assistant.ts'
import type { Assistant } from './chat/ports.ts'
import type { Lang } from './chat/sentences.ts'
import { type Clock, type Random, systemClock, systemRandom } from './clock.ts'
import type { Config } from './config.ts'
import { CannotStart, EX_CONFIG, EX_TEMPFAIL } from './exit.ts'
import { withPersona } from './http/index-page.ts'
import { type Pages, readPages, withoutAdmin } from './http/pages.ts'
import type { Log } from './log.ts'
import { both } from './meter.ts'
import { streamedModel } from './model/attempt.ts'
import { geminiUpstream } from './model/gemini.ts'
import { thinkingOf } from './model/thinking.ts'
import { budgetPicture } from './ops/admin/budget-picture.ts'
import { createTally, type Tally } from './ops/admin/tally.ts'
import { type BudgetReadings, budgetReader } from './ops/budget-readings.ts'
import { createDiary } from './ops/diary.ts'
import { withFirstToken } from './ops/first-token.ts'
import { meteredStore } from './ops/metered.ts'
import { createMetrics } from './ops/metrics.ts'
import { readPersonaFolder } from './persona-files.ts'
import { costSentence } from './quota/cost-sentence.ts'
import type { Wallet } from './quota/port.ts'
import { currencyOf } from './quota/prices.ts'
import { shortWindows } from './quota/short-days.ts'
import { createWallet, type WalletOptions } from './quota/wallet.ts'
import { windows } from './quota/windows.ts'
import { openStore } from './stores/open.ts'
import { type Store, StoreError, type StoreErrorCode } from './stores/port.ts'
import { vault } from './vault.ts'

/** A server with everything behind it. */
export type House = {
  app: App
  demo: boolean
  readonly store: Store['kind']
  /** The wallet as it stands, or undefined while the store is down. */
  budget(): Promise<BudgetReadings | undefined>
  /** The median of the last answers, or undefined before the first. */
  firstTokenMs(): number | undefined
  /** Reads the persona again; a broken one is logged and the old one stays. */
  reloadPersona(): Promise<void>
  /** Drains, then lets go of the store and the emulator. */
  close(): Promise<void>
}
export type HouseOptions = {
  config: Config
  log: Log
  clientDir: string
  /** Connections beside those of visitors' WebSockets. */
  spareConnections?: number
  clock?: Clock
  random?: Random
  /** Another way to book, for measurements beside ours. */
  wallet?: (options: WalletOptions) => Wallet
}

/** Opens the store, reads persona and pages, and puts the server together; rejects with CannotStart. */
export async function compose({ config, log, clientDir, ...options }: HouseOptions): Promise<House> {
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const canary = `repère-${random.token(9)}`
  const every = await requirePages(clientDir)
  const built = config.adminToken === undefined ? withoutAdmin(every) : every
  let shown = await showPersona(config, canary, log, built)
  const { budget, gemini } = config
  const currency = currencyOf(gemini.model, config.prices)
  const metrics = createMetrics({
    model: gemini.model,
    mode: gemini.apiKey === undefined ? 'demo' : 'gemini',
    currency,
  })
  const opened = await requireStore(config, clock, log)
  const windowAt = budget.daySeconds === undefined ? windows(budget.timeZone) : shortWindows(budget.daySeconds)
  const diary = createDiary({ store: opened.diary, clock, windowAt })
  const tally = config.adminToken === undefined ? undefined : createTally(clock)
  const timed = withFirstToken(both(metrics.meter, diary.meter))
  const meter = tally ? both(timed.meter, tally.meter) : timed.meter
  const store = { ...opened, ...meteredStore(opened, clock, meter) }
  const emulator = config.gemini.apiKey === undefined ? await startDemo(config, clock, random, shown.lang) : undefined
  const wallet = (options.wallet ?? createWallet)({
    store: store.ledger,
    prices: config.prices,
    budgetPerDay: budget.perDay,
    budgetPerMonth: budget.perMonth,
    timeZone: budget.timeZone,
    sharePerAddress: budget.sharePerAddress,
    pacing: budget.pacing,
    daySeconds: budget.daySeconds,
    clock,
    random,
    log,
    bootId: random.token(12),
  })
  log.info('budget', { most: costSentence({ ...config, ...budget, demo: gemini.apiKey === undefined, currency }) })
  const { model } = gemini
  const upstream = geminiUpstream({
    apiKey: gemini.apiKey ?? 'demonstration',
    model,
    baseUrl: emulator?.url ?? gemini.baseUrl,
    apiVersion: gemini.apiVersion,
    ...thinkingOf(model, gemini.thinking),
  })
  const { firstChunkTimeoutMs, chunkTimeoutMs, answerTimeoutMs } = config
  const attempts = { model, firstChunkTimeoutMs, chunkTimeoutMs, answerTimeoutMs, clock, onEnd: meter.attemptEnded }
  const readBudget = budgetReader({ ledger: store.ledger, budget, clock })
  const reload = async () => {
    try {
      shown = await showPersona(config, canary, log, built)
      log.info('persona_read')
    } catch (error) {
      const lines = error instanceof CannotStart ? error.lines : ['the folder could not be read']
      for (const line of lines) log.error('persona_refused', { reason: line })
    }
  }
  let reloading = Promise.resolve()
  const app = createApp({
    config,
    ...(options.spareConnections !== undefined && { spareConnections: options.spareConnections }),
    clock,
    random,
    log,
    store,
    wallet,
    model: (log) => streamedModel({ ...attempts, log }, upstream),
    vault,
    meter,
    metrics: {
      contentType: metrics.contentType,
      text: async (live) => metrics.text({ ...live, budget: await readBudget() }),
    },
    admin: tally && adminSource(config, tally, opened, clock),
    pages: () => shown.pages,
    assistant: () => shown.assistant,
  })
  return {
    app,
    demo: gemini.apiKey === undefined,
    store: opened.kind,
    budget: readBudget,
    firstTokenMs: timed.medianMs,
    // One after the other, or an older reading could end last and win.
    reloadPersona: () => (reloading = reloading.then(reload)),
    async close() {
      await app.drain()
      await wallet.close()
      await diary.close()
      await store.close()
      await emulator?.close()
    },
  }
}

function adminSource(config: Config, tally: Tally, store: Store, clock: Clock): AdminSource | undefined {
  const { adminToken, budget, gemini, prices } = config
  if (adminToken === undefined) return undefined
  return {
    token: adminToken,
    tally,
    about: {
      model: gemini.model,
      mode: gemini.apiKey === undefined ? 'demo' : 'gemini',
      store: store.kind,
      currency: currencyOf(gemini.model, prices),
      timeZone: budget.timeZone,
      startedAt: clock.now(),
      pid: process.pid,
    },
    budget: budgetPicture({ ledger: store.ledger, budget, clock }),
  }
}

type Demo = Pick<Emulator, 'url' | 'close'>

/** Without a key the emulator answers; GEMINI_BASE_URL may name one that runs elsewhere on this machine. */
async function startDemo(config: Config, clock: Clock, random: Random, lang: Lang): Promise<Demo> {
  const { baseUrl } = config.gemini
  if (baseUrl.startsWith('http:')) return { url: baseUrl, close: async () => {} }
  const { startEmulator } = await import('../emulator/emulator.ts')
  const knowledgeDir = join(config.personaDir, 'knowledge')
  return startEmulator({ speed: 1, knowledgeDir, lang: lang === 'en' ? lang : 'fr', clock, random })
}

/** What visitors see of the persona: who answers, and the page with its words. */
type Shown = { assistant: Assistant; pages: Pages; lang: Lang }

async function showPersona(config: Config, canary: string, log: Log, built: Pages): Promise<Shown> {
  const result = await readPersonaFolder(config.personaDir)
  if (!result.ok) throw new CannotStart(result.errors)
  for (const warning of result.warnings) log.warn('persona', { warning })
  const { knowledgeMaxTokens, maxOutputTokens, knowledgeFallback, gemini } = config
  const secrets = gemini.apiKey === undefined ? [] : [gemini.apiKey]
  const { persona } = result
  const assistant = createAssistant({
    persona,
    knowledgeMaxTokens,
    maxOutputTokens,
    knowledgeFallback,
    canary,
    secrets,
  })
  return { assistant, pages: await withPersona(built, persona, result.logo), lang: persona.lang }
}

async function requirePages(dir: string): Promise<Pages> {
  const pages = await readPages(dir).catch(() => undefined)
  if (!pages?.has('/')) throw new CannotStart([`${dir}: holds no built page; run npm run build`])
  return pages
}

const passing: ReadonlySet<StoreErrorCode> = new Set(['unreachable', 'replica', 'full'])

async function requireStore(config: Config, clock: Clock, log: Log) {
  try {
    return await openStore(config.storeUrl, { clock, log })
  } catch (error) {
    if (error instanceof StoreError)
      throw new CannotStart([`STORE_URL: ${error.message}`], passing.has(error.code) ? EX_TEMPFAIL : EX_CONFIG)
    throw error
  }
}
