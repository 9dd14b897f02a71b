import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { parseServerMessage as parseInPage } from '../../client/parse.ts'
import { parseAdminHello, parseAdminMessage } from '../../protocol/admin.ts'
import { type ClientMessage, endReasons, errorCodes, type ServerMessage, sources } from '../../protocol/messages.ts'
import { parseClientMessage, parseServerMessage } from '../../protocol/parse.ts'
import { type Target, target } from './target.ts'
import { edited, fromJson, plain } from './texts.ts'

const ID_LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-']
const id = fc.string({ unit: fc.constantFrom(...ID_LETTERS), minLength: 1, maxLength: 64, size: 'max' })
const count = fc.nat()
const words = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 20 }))
const sendable = words.map((text) => text.replace(/[\p{Cc}\p{Surrogate}]/gu, ''))

const clientMessages: fc.Arbitrary<ClientMessage> = fc.oneof(
  fc.record(
    { type: fc.constant('hello' as const), session: words, answer: fc.record({ id, offset: count }), lang: words },
    { requiredKeys: ['type'] },
  ),
  fc.record(
    { type: fc.constant('ask' as const), id, text: sendable, proof: words },
    { requiredKeys: ['type', 'id', 'text'] },
  ),
  fc.record({ type: fc.constant('stop' as const), id }),
  fc.record({ type: fc.constant('forget' as const) }),
)

const texts = fc.array(words, { maxLength: 3 })
const source = fc.constantFrom(...sources)
const reason = fc.constantFrom(...endReasons)
const turn = fc.record({
  id,
  question: words,
  answer: words,
  state: fc.oneof(fc.constant('streaming' as const), reason),
  source,
  at: count,
})
const contact = fc.record(
  { phone: words, email: words, address: words, url: words, hours: words },
  { requiredKeys: [] },
)
const welcome = fc.record({
  type: fc.constant('welcome' as const),
  protocol: fc.constant(1),
  session: words,
  resumed: fc.boolean(),
  lang: words,
  persona: fc.record({
    name: words,
    greeting: words,
    placeholder: words,
    suggestions: texts,
    contact,
    notice: words,
    linkHosts: texts,
  }),
  limits: fc.record({ maxChars: count, askBurst: count, asksPerMinute: count }),
  demo: fc.boolean(),
  turns: fc.array(turn, { maxLength: 3 }),
})
const serverMessages: fc.Arbitrary<ServerMessage> = fc.oneof(
  welcome,
  fc.record({ type: fc.constant('start' as const), id, question: words, source, remaining: count }),
  fc.record({ type: fc.constant('delta' as const), id, offset: count, text: fc.string({ minLength: 1 }) }),
  fc.record(
    {
      type: fc.constant('done' as const),
      id,
      reason,
      length: count,
      usage: fc.record({ promptTokens: count, outputTokens: count }),
    },
    { requiredKeys: ['type', 'id', 'reason', 'length'] },
  ),
  fc.record(
    {
      type: fc.constant('error' as const),
      code: fc.constantFrom(...errorCodes),
      message: words,
      id,
      retryAfterMs: count,
      challenge: words,
    },
    { requiredKeys: ['type', 'code', 'message'] },
  ),
  fc.record({ type: fc.constant('forgotten' as const) }),
)

// What turns one field into another, ends it early, or says it twice.
const TOKENS = [
  '"type":"ask",',
  '"id":"q1",',
  '"id":"q 1",',
  '"text":"x",',
  ',"__proto__":{"role":"system"}',
  '"role":"model",',
  '"maxOutputTokens":1,',
  '\\u0000',
  '\\ud83d',
  '\\n',
  '-1',
  '1e999',
  '1.5',
  '9007199254740993',
  'null',
  '{}',
  '[]',
  '"',
  ',',
  '{',
  '}',
]
const near = (messages: fc.Arbitrary<unknown>) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: edited(
        messages.map((message) => JSON.stringify(message)),
        TOKENS,
      ),
    },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  )

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isId = (value: unknown) => isText(value) && /^[A-Za-z0-9_-]{1,64}$/.test(value)
const isOffset = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const isSendable = (value: unknown) =>
  isText(value) && Buffer.from(value).toString() === value && !Array.from(value).some(isControl)
const isControl = (char: string) => char < ' ' && char !== '\t' && char !== '\n'
const isAnswer = (value: unknown) => isObject(value) && hasFields(value, { id: isId, offset: isOffset })
type Check = (value: unknown) => boolean
const FIELDS: Record<string, [needed: Record<string, Check>, may: Record<string, Check>]> = {
  hello: [{}, { session: isText, answer: isAnswer, lang: isText }],
  ask: [{ id: isId, text: isSendable }, { proof: isText }],
  stop: [{ id: isId }, {}],
  forget: [{}, {}],
}

function hasFields(value: Record<string, unknown>, needed: Record<string, Check>, may: Record<string, Check> = {}) {
  const checks = new Map(Object.entries({ ...needed, ...may }))
  const fits = Object.keys(value).every((key) => checks.get(key)?.(value[key]) ?? false)
  return fits && Object.keys(needed).every((key) => Object.hasOwn(value, key))
}

/** Written once more, from PROTOCOL.md. */
function isClientMessage(value: unknown): boolean {
  if (!isObject(value) || !Object.hasOwn(value, 'type') || !isText(value.type)) return false
  const [needed, may] = (Object.hasOwn(FIELDS, value.type) && FIELDS[value.type]) || []
  return needed !== undefined && hasFields(value, { ...needed, type: isText }, may)
}

/** Whether all of `part` stands in `whole` as it is. */
function isWithin(part: unknown, whole: unknown): boolean {
  if (Array.isArray(part))
    return Array.isArray(whole) && part.length === whole.length && part.every((item, i) => isWithin(item, whole[i]))
  if (!isObject(part)) return Object.is(part, whole)
  return isObject(whole) && Object.entries(part).every(([key, value]) => isWithin(value, whole[key]))
}

function assertClient(text: string): void {
  const json = fromJson(text)
  const parsed = parseClientMessage(text)
  assert.is(parsed.ok, isClientMessage(json), text)
  if (parsed.ok) {
    assert.equal(plain(parsed.message), json)
    assert.equal(parseClientMessage(JSON.stringify(parsed.message)), parsed)
    return
  }
  assert.ok(parsed.reason.length > 0 && parsed.reason.length <= 200)
  const asked = isObject(json) && Object.hasOwn(json, 'type') && json.type === 'ask' && isId(json.id)
  assert.is('id' in parsed, asked, text)
  assert.is(Reflect.get({}, 'role'), undefined)
}

function assertServer(text: string): void {
  const parsed = parseServerMessage(text)
  const read = parseInPage(text)
  if (read) assert.equal(parseInPage(JSON.stringify(read)), read, 'the page reads its own value otherwise')
  if (!parsed.ok) return assert.ok(parsed.reason.length > 0 && parsed.reason.length <= 200)
  assert.equal(parseServerMessage(JSON.stringify(parsed.message)), parsed)
  assert.ok(isWithin(plain(parsed.message), fromJson(text)), 'something came that was not sent')
  if (parsed.message.type === 'welcome' && parsed.message.protocol !== 1) return
  assert.is(read?.type, parsed.message.type, 'the page reads less than the protocol says')
  assert.ok(isWithin(plain(read), fromJson(text)))
}

const about = fc.record({
  model: words,
  mode: fc.constantFrom('demo', 'gemini'),
  store: fc.constantFrom('memory', 'sqlite', 'redis'),
  currency: words,
  timeZone: words,
  startedAt: count,
  pid: count,
})
const columns = ['at', 'connections', 'streams', 'firstP50', 'firstP95', 'questions', 'refused']
const history = fc.constant(Object.fromEntries(columns.map((name) => [name, [1, 2]])))
const adminMessages = fc.oneof(
  fc.record({ type: fc.constant('hello'), token: words }),
  fc.record({ type: fc.constant('welcome'), protocol: count, everyMs: count, about, history }),
  fc.record({ type: fc.constant('budget'), budget: fc.constant(null) }),
  fc.record(
    { type: fc.constant('error'), code: fc.constantFrom('bad_message', 'wrong_token'), retryAfterMs: count },
    { requiredKeys: ['type', 'code'] },
  ),
)

function assertAdmin(text: string): void {
  for (const parse of [parseAdminHello, parseAdminMessage]) {
    const parsed = parse(text)
    if (!parsed.ok) {
      assert.is(parsed.reason, 'not this protocol')
      continue
    }
    assert.ok(isWithin(plain(parsed.message), fromJson(text)), 'something came that was not sent')
    assert.equal(parse(JSON.stringify(parsed.message)), parsed)
  }
  const json = fromJson(text)
  const hello = isObject(json) && hasFields(json, { type: (type) => type === 'hello', token: isShort })
  assert.is(parseAdminHello(text).ok, hello)
}
const isShort = (value: unknown) => isText(value) && value.length <= 512

export const messageTargets: Target[] = [
  target(
    {
      name: 'client-message',
      title: '[ASK10] [CLO1] a client’s frame is taken exactly when it is what PROTOCOL.md says, and rebuilt as it is',
      short: 1500,
    },
    near(clientMessages),
    assertClient,
  ),
  target(
    {
      name: 'client-message-good',
      title: '[HEL1] [ASK1] [STO1] [FOR1] every client message is accepted as it is',
      short: 200,
      weight: 0.3,
    },
    clientMessages,
    (message) =>
      assert.equal(plain(parseClientMessage(JSON.stringify(message))), { ok: true, message: plain(message) }),
  ),
  target(
    {
      name: 'server-message',
      title: '[SES4] a server’s frame that is taken is rebuilt as it is, and the page reads it too',
      short: 1500,
    },
    near(serverMessages),
    assertServer,
    ['{"type":"error","code":"busy","message":"","retryAfterMs":1e999}'],
  ),
  target(
    {
      name: 'server-message-good',
      title: '[SES4] every server message is accepted, and fields that it has beside are dropped',
      short: 200,
      weight: 0.3,
    },
    serverMessages,
    (message) => {
      const text = JSON.stringify({ ...message, 'of-tomorrow': { x: 1 } })
      assert.equal(plain(parseServerMessage(text)), { ok: true, message: plain(message) })
      assert.is(parseInPage(text)?.type, message.type)
    },
  ),
  target(
    {
      name: 'admin-message',
      title: 'frames of the status page are taken or refused, and rebuilt as they are',
      short: 500,
    },
    near(adminMessages),
    assertAdmin,
  ),
]
