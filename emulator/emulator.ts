import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { type Clock, type Random, systemClock, systemRandom } from '../server/clock.ts'
import { createDemo } from './answers.ts'
import { control } from './control.ts'
import { internal, notFoundPage } from './errors.ts'
import { gemini } from './gemini.ts'
import type { House } from './generate.ts'
import { send } from './http.ts'
import { readSections } from './knowledge.ts'
import { createLedger, type Ledger, type LedgerReport } from './ledger.ts'
import { type ScenarioOrder, scenarioOfModel } from './order.ts'
import { createGate, type Gate } from './play.ts'

export type { LedgerEntry, LedgerReport } from './ledger.ts'
export type { ScenarioName, ScenarioOrder } from './order.ts'

export type EmulatorOptions = {
  /** Loopback only (127.0.0.1). */
  host?: string
  port?: number
  /** 0: no pacing at all; 1: Gemini's own; 2: twice as fast. */
  speed?: number
  /** Where answers come from: a folder of Markdown (persona/knowledge). */
  knowledgeDir?: string
  /** What the demonstration speaks around the shop's own words; French if it isn't given. */
  lang?: 'fr' | 'en'
  clock?: Clock
  random?: Random
  /** The one key that is valid; without it any key is. */
  key?: string
  /** What this question gets; undefined: what was ordered for all. */
  orderOf?(question: string): ScenarioOrder | undefined
}

export type Emulator = {
  /** For GEMINI_BASE_URL. */
  url: string
  port: number
  /** The scenario of all requests to come, `null` for `ok`; takes back what was released and not used. */
  setScenario(order: ScenarioOrder | null): void
  /** Lets that many gated chunks go, now or when they come. */
  release(chunks: number): void
  ledger(): LedgerReport
  resetLedger(): void
  /** Resolves when the ledger fits, at once or after a change; rejects when the emulator closes first. */
  changed(fits: (report: LedgerReport) => boolean): Promise<LedgerReport>
  close(): Promise<void>
}

// Longer than any client keeps an idle socket, so that none writes into one that is just closing.
const KEEP_ALIVE_MS = 600_000
const BACKLOG = 4096

/** Starts Gemini's HTTP API on this machine; rejects for a host that is not loopback or a port in use. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, speed = 0, clock = systemClock, random = systemRandom } = options
  if (!isLoopback(host)) throw new Error(`the emulator listens on loopback only, not on ${host}`)
  const ledger = createLedger(clock)
  const gate = createGate()
  const orders = createOrders()
  const demo = createDemo(await readSections(options.knowledgeDir ?? 'persona/knowledge'), options.lang)
  const house: House = {
    clock,
    random,
    speed,
    key: options.key,
    gate,
    ledger,
    demo,
    nextOrder: (model, question) => options.orderOf?.(question) ?? orders.next(model),
    url: () => url,
  }
  const controls = controlsOf(ledger, gate, orders)
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (req, res) => {
    route(req, res, house, controls).catch(() => (res.headersSent ? res.destroy() : send(res, internal())))
  })
  const bound = await listen(server, host, port)
  const url = `http://${isIP(host) === 6 ? `[${host}]` : host}:${bound}`
  const close = async () => {
    await shut(server)
    ledger.end()
  }
  return { url, port: bound, ...controls, close }
}

type Orders = { set(order: ScenarioOrder | null): void; next(model: string): ScenarioOrder }

function createOrders(): Orders {
  const usual: ScenarioOrder = { name: 'ok' }
  let inForce = usual
  let left = Number.POSITIVE_INFINITY
  return {
    set(order) {
      inForce = order ?? usual
      left = inForce.times ?? Number.POSITIVE_INFINITY
    },
    next(model) {
      const own = scenarioOfModel(model)
      if (own !== undefined && own !== inForce.name) return { name: own }
      const order = inForce
      left -= 1
      if (left < 1) inForce = usual
      return order
    },
  }
}

const controlsOf = (ledger: Ledger, gate: Gate, orders: Orders) => ({
  setScenario(order: ScenarioOrder | null) {
    gate.shut()
    orders.set(order)
  },
  release: gate.release,
  ledger: ledger.report,
  resetLedger: ledger.reset,
  changed: ledger.changed,
})

async function route(req: IncomingMessage, res: ServerResponse, house: House, controls: ReturnType<typeof controlsOf>) {
  const url = pathOf(req.url ?? '')
  if (url === undefined) return send(res, notFoundPage())
  if (!url.pathname.startsWith('/emulator/')) return gemini(req, res, url, house)
  return control(req, res, url, { ...controls, clock: house.clock, redirected: house.ledger.redirected })
}

function pathOf(path: string): URL | undefined {
  return URL.canParse(`http://localhost${path}`) ? new URL(`http://localhost${path}`) : undefined
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: BACKLOG }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
