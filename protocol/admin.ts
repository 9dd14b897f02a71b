import * as v from 'valibot'
import type { Close } from './closes.ts'
import type { Parsed } from './parse.ts'

/** What the admin's status page and the server say to each other, as ADMIN.md describes it. */
export const ADMIN_PROTOCOL = 1
export const ADMIN_SUBPROTOCOL = 'le-mecano-admin.v1'
/** Beside the visitors' closes. */
export const wrongToken = { code: 4401, reason: 'wrong token', reconnect: 'never' } as const satisfies Close

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const amount = v.pipe(v.number(), v.finite())
const time = count
const ms = v.nullable(amount)

const hello = v.strictObject({ type: v.literal('hello'), token: v.pipe(v.string(), v.maxLength(512)) })

// Columns of equal length, as a plot takes them. `questions` and `refused` are those of the minute before.
const history = v.object({
  at: v.array(time),
  connections: v.array(count),
  streams: v.array(count),
  firstP50: v.array(ms),
  firstP95: v.array(ms),
  questions: v.array(count),
  refused: v.array(count),
})
const sample = v.object({
  at: time,
  connections: count,
  streams: count,
  firstP50: ms,
  firstP95: ms,
  questions: count,
  refused: count,
})
const about = v.object({
  model: v.string(),
  mode: v.picklist(['demo', 'gemini']),
  store: v.picklist(['memory', 'sqlite', 'redis']),
  currency: v.string(),
  timeZone: v.string(),
  startedAt: time,
  pid: count,
})
const refusal = v.object({
  why: v.string(),
  lastMinute: count,
  sinceStart: count,
})
const failure = v.object({ of: v.picklist(['model', 'store']), kind: v.string(), at: time, count })
const figures = v.object({
  now: sample,
  model: v.object({ calls: count, failed: count }),
  store: v.object({ p95: ms, failed: count }),
  process: v.object({ rssBytes: count, busy: amount }),
  refusals: v.array(refusal),
  failures: v.array(failure),
})
const event = v.object({ at: time, kind: v.picklist(['halt', 'resume', 'raise']), text: v.string() })
const budget = v.object({
  day: v.string(),
  hourNow: amount,
  spent: amount,
  held: amount,
  cap: amount,
  released: amount,
  tomorrow: amount,
  monthBooked: amount,
  monthCap: amount,
  pace: v.array(amount),
  curve: v.array(amount),
  halted: v.nullable(v.string()),
  openHolds: count,
  lostHolds: count,
  rush: v.boolean(),
  events: v.array(event),
})
const codes = ['bad_message', 'hello_first', 'wrong_token', 'rate_limited'] as const

// Not strict: a later server may add fields.
const serverMessage = v.variant('type', [
  v.object({ type: v.literal('welcome'), protocol: count, everyMs: count, about, history }),
  v.object({ type: v.literal('figures'), figures }),
  v.object({ type: v.literal('budget'), budget: v.nullable(budget) }),
  v.object({ type: v.literal('error'), code: v.picklist(codes), retryAfterMs: v.exactOptional(count) }),
])

export type AdminHello = v.InferOutput<typeof hello>
export type AdminAbout = v.InferOutput<typeof about>
export type AdminSample = v.InferOutput<typeof sample>
export type AdminHistory = v.InferOutput<typeof history>
export type AdminFigures = v.InferOutput<typeof figures>
/** Amounts in the currency of the prices; hours are 24ths of the day; `pace` has 25, `curve` those that have begun. */
export type AdminBudget = v.InferOutput<typeof budget>
export type AdminServerMessage = v.InferOutput<typeof serverMessage>
export type AdminErrorCode = (typeof codes)[number]

/** One frame of the page -> a new hello, or why not. */
export const parseAdminHello = (text: string): Parsed<AdminHello> => parse(hello, text)

/** One frame of the server -> a new message, or why not. Unknown fields are dropped. */
export const parseAdminMessage = (text: string): Parsed<AdminServerMessage> => parse(serverMessage, text)

function parse<M>(schema: v.GenericSchema<unknown, M>, text: string): Parsed<M> {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text, { abortEarly: true })
  return result.success ? { ok: true, message: result.output } : { ok: false, reason: 'not this protocol' }
}
