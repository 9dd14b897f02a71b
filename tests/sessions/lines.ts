import type { Expectation, Frame } from './script.ts'
import { type Condition, conditionOf, parseValue, wordsOf } from './words.ts'

/** Which fields the words without a name stand for. */
const clientWords: Record<string, string[]> = { hello: [], ask: ['id', 'text'], stop: ['id'], forget: [] }
const serverWords: Record<string, string[]> = {
  welcome: [],
  start: ['id', 'question'],
  delta: ['id', 'text'],
  'delta*': ['id', 'text'],
  done: ['id', 'reason'],
  error: ['id'],
  forgotten: [],
  opened: [],
  closed: ['code'],
  refused: ['status'],
}

/** What follows `>`. Throws an Error that says what is wrong. */
export function parseFrame(text: string): Frame {
  const raw = /^raw ?(.*)$/s.exec(text)
  if (raw) return { kind: 'raw', text: raw[1] ?? '' }
  const [, kind, hex = ''] = /^(binary|bytes) ((?:[0-9a-f]{2})+)$/i.exec(text) ?? []
  if (kind === 'binary' || kind === 'bytes') return { kind, bytes: Buffer.from(hex, 'hex') }
  const [type = '', ...words] = wordsOf(text)
  const names = clientWords[type]
  if (names === undefined)
    throw new Error(`a client sends ${Object.keys(clientWords).join(', ')}, raw, binary or bytes`)
  const fields = conditionsOf(words, names)
  const wrong = fields.find(({ operator }) => operator !== '=')
  if (wrong) throw new Error(`${wrong.field}: what is sent has = only`)
  return { kind: 'json', type, fields }
}

/** What follows `<`. Throws an Error that says what is wrong. */
export function parseExpectation(text: string): Expectation {
  const [type = '', ...words] = wordsOf(text)
  if (type === 'nothing' && words.length === 0) return { kind: 'nothing' }
  const names = serverWords[type]
  if (names === undefined) throw new Error(`what comes is ${Object.keys(serverWords).join(', ')} or nothing`)
  const conditions = conditionsOf(words, names)
  if (type === 'delta*') return { kind: 'deltas', conditions }
  if (type === 'opened' || type === 'closed' || type === 'refused') return { kind: type, conditions }
  return { kind: 'message', type, conditions }
}

function conditionsOf(words: readonly string[], names: readonly string[]): Condition[] {
  let position = 0
  return words.map((word) => {
    if (/^(![\w.-]+$|[\w.-]+(!=|>=|<=|=|~|>|<))/.test(word)) return conditionOf(word)
    const field = names[position]
    position += 1
    if (field === undefined) throw new Error(`"${word}" is not field=value`)
    return { field, operator: '=', value: idOr(field, word) }
  })
}

// An id or a reason is a text, also when it looks like a number.
const idOr = (field: string, word: string) =>
  field === 'code' || field === 'status' || word.startsWith('"') ? parseValue(word) : { text: word, times: 1 }
