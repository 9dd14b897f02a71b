import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../server/clock.ts'
import { type Answered, json, notFoundPage } from './errors.ts'
import { readBody, send } from './http.ts'
import type { LedgerReport } from './ledger.ts'
import { isOrder, orderMistakes, type ScenarioOrder } from './order.ts'
import type { Json } from './wire.ts'

const PATIENCE_MS = 10_000
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/

/** What the control endpoint may do; the same as an Emulator in process. */
export type Controls = {
  clock: Clock
  setScenario(order: ScenarioOrder | null): void
  release(chunks: number): void
  ledger(): LedgerReport
  resetLedger(): void
  changed(fits: (report: LedgerReport) => boolean): Promise<LedgerReport>
  redirected(): void
}

const done = json(200, {})
const wrong = (status: number, message: string): Answered => json(status, { error: { code: status, message } })
const reported = (report: LedgerReport, status = 200): Answered => json(status, plain(report))

/** Answers /emulator/…, to other processes of this machine and to no web page. */
export async function control(req: IncomingMessage, res: ServerResponse, url: URL, controls: Controls): Promise<void> {
  const what = `${req.method} ${url.pathname}`
  if (url.pathname === '/emulator/elsewhere') {
    controls.redirected()
    return send(res, notFoundPage())
  }
  // A page in a browser on this machine could reach the port too, by its own name or with an Origin.
  if (!LOOPBACK.test(req.headers.host ?? '') || req.headers.origin !== undefined)
    return send(res, wrong(403, 'for processes of this machine only'))
  if (what === 'POST /emulator/scenario') return send(res, order(await bodyOf(req), controls))
  if (what === 'POST /emulator/release') return send(res, release(await bodyOf(req), controls))
  if (what === 'GET /emulator/ledger') return send(res, reported(controls.ledger()))
  if (what === 'GET /emulator/ledger/wait') return waited(res, url.searchParams, controls)
  if (what !== 'DELETE /emulator/ledger') return send(res, notFoundPage())
  controls.resetLedger()
  return send(res, done)
}

function order(given: unknown, controls: Controls): Answered {
  if (given === null || isOrder(given)) {
    controls.setScenario(given)
    return done
  }
  return wrong(400, orderMistakes(given).join('; '))
}

function release(given: unknown, controls: Controls): Answered {
  const chunks = typeof given === 'object' && given !== null && 'chunks' in given ? given.chunks : 1
  if (typeof chunks !== 'number' || !Number.isSafeInteger(chunks) || chunks < 1)
    return wrong(400, 'chunks: a whole number from 1')
  controls.release(chunks)
  return done
}

/** Long poll: `requests` at least, `open` exactly; 504 with the ledger as it stands after `timeoutMs`. */
async function waited(res: ServerResponse, query: URLSearchParams, controls: Controls): Promise<void> {
  const [requests, open, timeoutMs] = ['requests', 'open', 'timeoutMs'].map((name) => count(query, name))
  if (Number.isNaN(requests) || Number.isNaN(open) || Number.isNaN(timeoutMs))
    return send(res, wrong(400, 'requests, open, timeoutMs: whole numbers'))
  let over = false
  const enough = (report: LedgerReport) =>
    over || (report.requests >= (requests ?? 0) && (open === undefined || report.open === open))
  res.once('close', () => {
    over = true
  })
  const stop = controls.clock.after(timeoutMs ?? PATIENCE_MS, () => {
    over = true
    send(res, reported(controls.ledger(), 504))
  })
  const report = await controls.changed(enough).catch(() => undefined)
  stop()
  if (report !== undefined && !over) send(res, reported(report))
}

function count(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name)
  if (given === null) return undefined
  return /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN
}

async function bodyOf(req: IncomingMessage): Promise<unknown> {
  const text = await readBody(req)
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}

const plain = (report: LedgerReport): Json => ({
  ...report,
  entries: report.entries.map((entry) => ({ ...entry, headers: [...entry.headers] })),
})
