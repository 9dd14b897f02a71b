import * as v from 'valibot'
import type { ClientMessage, ServerMessage } from './messages.ts'
import { endReasons, errorCodes, sources } from './messages.ts'

export type Parsed<M> = { ok: true; message: M } | { ok: false; reason: string; id?: string }

export const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/
// NUL and C0 except tab and newline, or half of a surrogate pair.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const UNSENDABLE = /[\u0000-\u0008\u000B-\u001F]|\p{Surrogate}/u

const id = v.pipe(v.string(), v.regex(ID_PATTERN, 'id: 1 to 64 of A-Z a-z 0-9 _ -'))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
// JSON's 1e999 is read as Infinity, which JSON can't say again.
const number = v.pipe(v.number(), v.finite())
const sendable = v.pipe(
  v.string(),
  v.check((text) => !UNSENDABLE.test(text), 'text: control characters or half a surrogate pair'),
)

const clientMessage = v.variant('type', [
  v.strictObject({
    type: v.literal('hello'),
    session: v.exactOptional(v.string()),
    answer: v.exactOptional(v.strictObject({ id, offset: count })),
    lang: v.exactOptional(v.string()),
  }),
  v.strictObject({ type: v.literal('ask'), id, text: sendable, proof: v.exactOptional(v.string()) }),
  v.strictObject({ type: v.literal('stop'), id }),
  v.strictObject({ type: v.literal('forget') }),
])

const state = v.picklist(['streaming', ...endReasons])
const source = v.picklist(sources)
const contact = v.object({
  phone: v.exactOptional(v.string()),
  email: v.exactOptional(v.string()),
  address: v.exactOptional(v.string()),
  url: v.exactOptional(v.string()),
  hours: v.exactOptional(v.string()),
})
const persona = v.object({
  name: v.string(),
  greeting: v.string(),
  placeholder: v.string(),
  suggestions: v.array(v.string()),
  contact,
  notice: v.string(),
  linkHosts: v.array(v.string()),
})
const turn = v.object({ id, question: v.string(), answer: v.string(), state, source, at: number })

// Not strict: a later server may add fields, and today's client goes on without them.
const serverMessage = v.variant('type', [
  v.object({
    type: v.literal('welcome'),
    protocol: number,
    session: v.string(),
    resumed: v.boolean(),
    lang: v.string(),
    persona,
    limits: v.object({ maxChars: count, askBurst: count, asksPerMinute: number }),
    demo: v.boolean(),
    turns: v.array(turn),
  }),
  v.object({ type: v.literal('start'), id, question: v.string(), source, remaining: count }),
  v.object({ type: v.literal('delta'), id, offset: count, text: v.pipe(v.string(), v.minLength(1)) }),
  v.object({
    type: v.literal('done'),
    id,
    reason: v.picklist(endReasons),
    length: count,
    usage: v.exactOptional(v.object({ promptTokens: count, outputTokens: count })),
  }),
  v.object({
    type: v.literal('error'),
    code: v.picklist(errorCodes),
    message: v.string(),
    id: v.exactOptional(id),
    retryAfterMs: v.exactOptional(number),
    challenge: v.exactOptional(v.string()),
  }),
  v.object({ type: v.literal('forgotten') }),
])

/** One client frame's text -> a new message, or why not; `id` is that of an ask whose other fields are wrong. */
export function parseClientMessage(text: string): Parsed<ClientMessage> {
  return parse(clientMessage, text)
}

/** One server frame's text -> a new message, or why not. Unknown fields are dropped. */
export function parseServerMessage(text: string): Parsed<ServerMessage> {
  return parse(serverMessage, text)
}

function parse<M>(schema: v.GenericSchema<unknown, M>, text: string): Parsed<M> {
  const json = fromJson(text)
  if (json === undefined) return { ok: false, reason: 'not JSON' }
  const result = v.safeParse(schema, json, { abortEarly: true })
  if (result.success) return { ok: true, message: result.output }
  const reason = result.issues[0].message.slice(0, 200)
  const asked = v.safeParse(v.object({ type: v.literal('ask'), id }), json)
  return asked.success ? { ok: false, reason, id: asked.output.id } : { ok: false, reason }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
