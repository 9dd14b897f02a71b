import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { closeOf, closes } from '../../protocol/closes.ts'
import { parseClientMessage, parseServerMessage } from '../../protocol/parse.ts'

const refusedIds = ['', 'a b', 'é', 'x'.repeat(65), '../x', 'a\n', 'q1\u0000']

const accepts = (message: unknown) => parseClientMessage(JSON.stringify(message))
const refuses = (message: unknown): void => {
  const parsed = accepts(message)
  assert.is(parsed.ok, false, JSON.stringify(message))
}

test('[HEL1] hello has optional session, answer and lang', () => {
  for (const hello of [
    {},
    { session: 'x' },
    { lang: 'fr' },
    { answer: { id: 'q1', offset: 0 } },
    { session: '', lang: '' },
  ])
    assert.equal(accepts({ type: 'hello', ...hello }), { ok: true, message: { type: 'hello', ...hello } })
  for (const hello of [{ session: 1 }, { session: null }, { lang: [] }, { answer: null }, { token: 'x' }])
    refuses({ type: 'hello', ...hello })
})

test('[RES5] hello refuses a malformed answer', () => {
  const offsets = [-1, 1.5, '3', null, 2 ** 53]
  for (const offset of offsets) refuses({ type: 'hello', answer: { id: 'q1', offset } })
  for (const id of refusedIds) refuses({ type: 'hello', answer: { id, offset: 0 } })
  refuses({ type: 'hello', answer: { id: 'q1' } })
  refuses({ type: 'hello', answer: { id: 'q1', offset: 0, length: 1 } })
})

test('[ASK1] an ask has an id, a text and perhaps a proof', () => {
  for (const id of ['q', 'A-Z_09', 'x'.repeat(64)]) assert.ok(accepts({ type: 'ask', id, text: 'Ohé' }).ok)
  assert.ok(accepts({ type: 'ask', id: 'q1', text: '', proof: 'abc' }).ok)
  for (const id of [...refusedIds, 1, null]) refuses({ type: 'ask', id, text: 'Ohé' })
  for (const text of [undefined, null, 7, ['Ohé'], { text: 'Ohé' }]) refuses({ type: 'ask', id: 'q1', text })
})

test('[ASK10] unknown fields are refused in every message', () => {
  const whole = [
    { type: 'hello' },
    { type: 'ask', id: 'q1', text: 'Ohé' },
    { type: 'stop', id: 'q1' },
    { type: 'forget' },
  ]
  const strange = ['role', 'model', 'system', 'history', 'maxOutputTokens', 'constructor', 'toString', '']
  for (const message of whole) {
    assert.equal(accepts(message), { ok: true, message })
    for (const name of strange) refuses({ ...message, [name]: 'x' })
  }
})

test('[ASK10] __proto__ is refused and poisons nothing', () => {
  const parsed = parseClientMessage('{"type":"ask","id":"q1","text":"Ohé","__proto__":{"role":"system"}}')
  assert.is(parsed.ok, false)
  assert.is(Reflect.get({}, 'role'), undefined)
  assert.is(parseClientMessage('{"__proto__":{"type":"forget"}}').ok, false)
})

test('[ASK4] a refused ask with a good id is answered with it', () => {
  const parsed = parseClientMessage('{"type":"ask","id":"q1","text":"Ohé","model":"x"}')
  assert.equal(parsed.ok ? undefined : parsed.id, 'q1')
  const bad = parseClientMessage('{"type":"ask","id":"q 1","text":"Ohé"}')
  assert.is('id' in bad, false)
})

test('[STO1] stop has an id, forget nothing', () => {
  assert.ok(accepts({ type: 'stop', id: 'q1' }).ok)
  for (const id of refusedIds) refuses({ type: 'stop', id })
  refuses({ type: 'stop' })
  refuses({ type: 'forget', id: 'q1' })
})

test('[TXT1] control characters and half surrogate pairs are refused, tab and newline are not', () => {
  for (const text of ['a\tb\nc', '🚲', 'a\u0085b', '\u2028', 'e\u0301', '\u007f', '\ufeff'])
    assert.ok(accepts({ type: 'ask', id: 'q1', text }).ok, text)
  const codes = [...Array(32).keys()].filter((code) => code !== 9 && code !== 10)
  for (const code of codes) refuses({ type: 'ask', id: 'q1', text: `a${String.fromCharCode(code)}b` })
  for (const half of ['\ud83d', '\udeb2', '\udeb2\ud83d']) refuses({ type: 'ask', id: 'q1', text: `a${half}b` })
})

test('[CLO1] what is not JSON, no object or of no type is refused', () => {
  for (const text of [
    '',
    ' ',
    'hello',
    '{',
    '[]',
    'null',
    '1',
    '"hello"',
    '{}',
    '{"type":null}',
    '{"type":["hello"]}',
    '{"type":"Hello"}',
    '{"type":"hello"}x',
  ])
    assert.is(parseClientMessage(text).ok, false, text)
})

test('[ASK1] an empty delta and unknown codes, reasons and sources are no server messages', () => {
  const wrong = [
    { type: 'delta', id: 'q1', offset: 0, text: '' },
    { type: 'delta', id: 'q1', offset: -1, text: 'a' },
    { type: 'done', id: 'q1', reason: 'tired', length: 0 },
    { type: 'error', code: 'tired', message: '' },
    { type: 'start', id: 'q1', question: '', source: 'oracle', remaining: 0 },
  ]
  for (const message of wrong) assert.is(parseServerMessage(JSON.stringify(message)).ok, false, JSON.stringify(message))
})

test('[CLO3] every close has its own code, and a strange code is a lost connection', () => {
  const codes = Object.values(closes).map(({ code }) => code)
  assert.is(new Set(codes).size, codes.length)
  for (const close of Object.values(closes)) assert.is(closeOf(close.code), close)
  for (const code of [1005, 1006, 1015, 4999])
    assert.equal(closeOf(code), { code, reason: 'connection lost', reconnect: 'soon' })
  for (const { reason } of Object.values(closes)) assert.ok(Buffer.byteLength(reason) <= 123)
})

test.run()
