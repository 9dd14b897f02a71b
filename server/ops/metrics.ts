import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { closes } from '../../protocol/closes.ts'
import { errorCodes, sources } from '../../protocol/messages.ts'
import type { Meter, ProofStep } from '../meter.ts'
import type { ModelFailureKind } from '../model/port.ts'
import type { BudgetReadings } from './budget-readings.ts'

/** What is read at the moment of a scrape. `budget` undefined: the store is out of order. */
export type Readings = { connections: number; streams: number; sessions: number; budget: BudgetReadings | undefined }
/** What never changes while the process runs; `currency` is '' where the admin set the prices. */
export type About = { model: string; mode: 'demo' | 'gemini'; currency: string }
export type Metrics = {
  readonly meter: Meter
  readonly contentType: string
  /** Everything in Prometheus's text format. */
  text(readings: Readings): Promise<string>
}

const MODEL_SECONDS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20]
const GAP_SECONDS = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
const STORE_SECONDS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]
const MOST_VALUES = 32

const failureKinds = {
  bad_request: true,
  unauthorized: true,
  location: true,
  not_found: true,
  rate_limited: true,
  quota_exhausted: true,
  unavailable: true,
  upstream_error: true,
  network: true,
  malformed: true,
  too_large: true,
  store: true,
  first_chunk_timeout: true,
  chunk_timeout: true,
  answer_timeout: true,
  aborted: true,
} as const satisfies Record<ModelFailureKind, true>
const proofSteps = ['asked', 'solved', 'rejected'] as const satisfies readonly ProofStep[]
// 1005 and 1006 are a network that went away. Others a client may choose as it likes.
const closeCodes = new Set([...Object.values(closes).map(({ code }) => code), 1005, 1006])

/** The metrics of one server, with those of its process. Each call begins anew at zero. */
export function createMetrics(about: About): Metrics {
  const own = new Registry()
  const meter = meterOn(own)
  const set = gaugesOn(own, about)
  return {
    meter,
    contentType: own.contentType,
    async text(readings) {
      set(readings)
      return `${await own.metrics()}\n${await processRegistry().metrics()}`
    },
  }
}

// One for each process, because what it watches is one for each process.
let ofProcess: Registry | undefined
function processRegistry(): Registry {
  if (ofProcess) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  // Gauges that are named like counters; nodejs_active_resources tells the same.
  for (const kind of ['handles', 'requests', 'resources']) ofProcess.removeSingleMetric(`nodejs_active_${kind}_total`)
  return ofProcess
}

function meterOn(registry: Registry): Meter {
  return {
    ...connectionMeter(registry),
    ...questionMeter(registry),
    ...upstreamMeter(registry),
    ...storeMeter(registry),
  }
}

function connectionMeter(registry: Registry) {
  const { counter } = makers(registry)
  const opened = counter('connections_opened', 'WebSocket connections opened.')
  const closed = counter('connections_closed', 'WebSocket connections closed, by close code.', ['code'])
  const hellos = counter('hellos', 'Hellos answered: with a new session, or a resumed one (a reconnect).', ['session'])
  const upgrades = counter('upgrades_refused', 'Upgrades refused, by HTTP status and cause.', ['status', 'cause'])
  const messages = counter('messages_refused', 'Messages refused before any limit was asked, by code.', ['code'])
  const [cause, messageCode] = [few(), few()]
  for (const session of ['new', 'resumed']) hellos.inc({ session }, 0)
  for (const code of errorCodes) messages.inc({ code }, 0)
  return {
    connectionOpened: () => opened.inc(),
    connectionClosed: (code) => closed.inc({ code: closeCodes.has(code) ? String(code) : 'other' }),
    greeted: (resumed) => hellos.inc({ session: resumed ? 'resumed' : 'new' }),
    upgradeRefused: (refusal) => upgrades.inc({ status: String(refusal.status), cause: cause(refusal.cause) }),
    messageRefused: (code) => messages.inc({ code: messageCode(code) }),
  } satisfies Partial<Meter>
}

function questionMeter(registry: Registry) {
  const { counter, histogram } = makers(registry)
  const admitted = counter('questions_admitted', 'Questions admitted, by who answered in the end.', ['source'])
  const refused = counter('questions_refused', 'Questions refused, by cause.', ['cause'])
  const fallbacks = counter('fallbacks', 'Answers from the knowledge files, by why the model gave none.', ['cause'])
  const answers = counter('answers', 'Admitted questions, by how they ended.', ['outcome'])
  const proofs = counter('proofs', 'Proofs of work asked of visitors, solved and rejected.', ['step'])
  const first = histogram('first_token', 'From a question to the first text of its answer.', MODEL_SECONDS, ['source'])
  const between = histogram('between_tokens', 'Between two pieces of an answer.', GAP_SECONDS)
  const [cause, outcome] = [few(), few()]
  for (const source of sources) admitted.inc({ source }, 0)
  for (const step of proofSteps) proofs.inc({ step }, 0)
  return {
    questionEnded({ source, firstTextMs, ...question }) {
      const why = cause(question.cause ?? question.outcome)
      if (source === undefined) return refused.inc({ cause: why })
      admitted.inc({ source })
      answers.inc({ outcome: outcome(question.outcome) })
      if (source === 'knowledge') fallbacks.inc({ cause: why })
      if (firstTextMs !== undefined) first.observe({ source }, firstTextMs / 1000)
    },
    textGap: (ms) => between.observe(ms / 1000),
    proof: (step) => proofs.inc({ step }),
  } satisfies Partial<Meter>
}

function upstreamMeter(registry: Registry) {
  const { counter, histogram } = makers(registry)
  const attempts = counter('upstream_attempts', 'Calls of the model that have ended.')
  const failures = counter('upstream_failures', 'Calls of the model without a whole answer, by kind.', ['kind'])
  const tokens = counter('upstream_tokens', 'Tokens that the model reported, thoughts included.', ['direction'])
  const first = histogram('upstream_first_chunk', "From a call to the model's first chunk.", MODEL_SECONDS)
  for (const kind of Object.keys(failureKinds)) failures.inc({ kind }, 0)
  for (const direction of ['prompt', 'output']) tokens.inc({ direction }, 0)
  return {
    attemptEnded({ result, firstChunkMs, usage }) {
      attempts.inc()
      if (result !== 'answered' && result !== 'left') failures.inc({ kind: result })
      if (firstChunkMs !== undefined) first.observe(firstChunkMs / 1000)
      tokens.inc({ direction: 'prompt' }, usage?.promptTokens ?? 0)
      tokens.inc({ direction: 'output' }, usage?.outputTokens ?? 0)
    },
  } satisfies Partial<Meter>
}

function storeMeter(registry: Registry) {
  const { counter, histogram } = makers(registry)
  const times = histogram('store_operation', 'How long the store took, by operation.', STORE_SECONDS, ['operation'])
  const failures = counter('store_failures', 'Calls that the store rejected, by operation.', ['operation'])
  return {
    storeCalled(operation, ms, ok) {
      times.observe({ operation }, ms / 1000)
      failures.inc({ operation }, ok ? 0 : 1)
    },
  } satisfies Partial<Meter>
}

/** The gauges; the returned function sets them. Those of the budget are left out while the store doesn't tell. */
function gaugesOn(registry: Registry, about: About): (readings: Readings) => void {
  const { gauge } = makers(registry)
  gauge('info', 'What runs here.', ['model', 'mode', 'currency']).set(about, 1)
  const connections = gauge('connections', 'Open WebSocket connections.')
  const streams = gauge('streams', 'Answers being generated, those that nobody reads any more included.')
  const sessions = gauge('sessions', 'Sessions in memory: somebody looks at them, or an answer is on its way.')
  const up = gauge('store_up', 'Whether the store answered at this scrape.')
  const spent = gauge('budget_spent_currency_units', 'Spent today, in the currency of the prices.')
  const held = gauge('budget_held_currency_units', 'Set aside today for calls whose cost is not known yet.')
  const cap = gauge('budget_cap_currency_units', 'What today may cost.')
  const released = gauge('budget_released_currency_units', 'What today may have cost by now, spread over the day.')
  const month = gauge('budget_month_booked_currency_units', 'Spent and set aside this month.')
  const monthCap = gauge('budget_month_cap_currency_units', 'What this month may cost.')
  const halted = gauge('budget_halted', 'Whether admission is halted until the admin resumes it.')
  const holds = gauge('holds', 'Holds of all processes on the store; lost: their process is gone.', ['state'])
  return (now) => {
    const { budget } = now
    connections.set(now.connections)
    streams.set(now.streams)
    sessions.set(now.sessions)
    up.set(budget ? 1 : 0)
    if (!budget) return [spent, held, cap, released, month, monthCap, halted, holds].forEach(forget)
    spent.set(budget.spent)
    held.set(budget.held)
    cap.set(budget.cap)
    released.set(budget.released)
    month.set(budget.monthBooked)
    monthCap.set(budget.monthCap)
    halted.set(budget.halted ? 1 : 0)
    holds.set({ state: 'open' }, budget.openHolds)
    holds.set({ state: 'lost' }, budget.lostHolds)
  }
}

function forget(gauge: Gauge<string>): void {
  gauge.reset()
  // Without labels a reset gauge would say 0.
  gauge.remove({})
}

/** How a metric of ours is made: its prefix, and the unit or ending that Prometheus wants of its name. */
function makers(registry: Registry) {
  const registers = [registry]
  const name = (rest: string) => `le_mecano_${rest}`
  return {
    counter: (of: string, help: string, labelNames: string[] = []) =>
      new Counter({ name: name(`${of}_total`), help, labelNames, registers }),
    gauge: (of: string, help: string, labelNames: string[] = []) =>
      new Gauge({ name: name(of), help, labelNames, registers }),
    histogram: (of: string, help: string, buckets: number[], labelNames: string[] = []) =>
      new Histogram({ name: name(`${of}_seconds`), help, buckets, labelNames, registers }),
  }
}

/** A label's values stay few whatever is told: what comes after so many is `other`. */
function few(): (value: string) => string {
  const seen = new Set<string>()
  return (value) => {
    if (seen.has(value)) return value
    if (seen.size >= MOST_VALUES) return 'other'
    seen.add(value)
    return value
  }
}
