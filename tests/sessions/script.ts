import { parseExpectation, parseFrame } from './lines.ts'
import { type Condition, conditionOf, wordsOf } from './words.ts'

export type Frame =
  | { kind: 'json'; type: string; fields: readonly Condition[] }
  | { kind: 'raw'; text: string }
  | { kind: 'binary'; bytes: Uint8Array }
  /** A text frame of these bytes, UTF-8 or not. */
  | { kind: 'bytes'; bytes: Uint8Array }

export type Expectation =
  | { kind: 'message'; type: string; conditions: readonly Condition[] }
  /** All the deltas up to the next other message, joined: fields id, offset, text, length (their end). */
  | { kind: 'deltas'; conditions: readonly Condition[] }
  | { kind: 'opened' | 'closed' | 'refused'; conditions: readonly Condition[] }
  | { kind: 'nothing' }

export type Action =
  | { kind: 'send'; socket: string; frame: Frame }
  | { kind: 'expect'; socket: string; expectation: Expectation }
  | { kind: 'socket'; socket: string; options: readonly Condition[] }
  | { kind: 'drop' | 'return'; socket: string }
  | { kind: 'save'; socket: string; field: string; name: string }
  | { kind: 'wait'; ms: number }
  | { kind: 'emulator'; order: string; conditions: readonly Condition[]; words: readonly string[] }

/** One line of a script; `text` is the line as written, `number` counts from 1. */
export type Step = { number: number; text: string; times: number; action: Action }
export type Script = {
  title: string
  /** Settings that the server must have been started with. */
  needs: Record<string, string>
  /** How long each expected thing may take, when the script knows better than the player. */
  timeoutMs?: number
  steps: readonly Step[]
}
export type ParsedScript = { ok: true; script: Script } | { ok: false; errors: readonly string[] }

/** A session file's text -> its steps, or every line that can't be understood. */
export function parseScript(text: string): ParsedScript {
  const errors: string[] = []
  const needs: Record<string, string> = {}
  let timeout = {}
  const steps: Step[] = []
  const lines = text.split(/\r?\n/)
  for (const [i, line] of lines.entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    try {
      if (trimmed.startsWith('needs ')) Object.assign(needs, parseNeeds(trimmed))
      else if (trimmed.startsWith('timeout ')) timeout = { timeoutMs: parseDuration(trimmed.slice(8)) }
      else steps.push(parseStep(trimmed, i + 1))
    } catch (error) {
      errors.push(`line ${i + 1}: ${trimmed}\n  ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (errors.length > 0) return { ok: false, errors }
  const title = lines.find((line) => line.startsWith('#'))?.replace(/^#\s*/, '') ?? ''
  return { ok: true, script: { title, needs, steps, ...timeout } }
}

/** One line -> a step. Throws an Error that says what is wrong with it. */
export function parseStep(line: string, number: number): Step {
  const repeated = /^repeat (\d{1,5}) (.*)$/.exec(line)
  const [times, text] = repeated ? [Number(repeated[1]), repeated[2] ?? ''] : [1, line]
  return { number, text: line, times, action: parseAction(text) }
}

function parseNeeds(line: string): Record<string, string> {
  const settings = wordsOf(line).slice(1)
  return Object.fromEntries(
    settings.map((word) => {
      const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(word) ?? []
      if (name === undefined || value === undefined) throw new Error(`"${word}" is not NAME=value`)
      return [name, value]
    }),
  )
}

function parseAction(line: string): Action {
  const [, socket = '', arrow, rest = ''] = /^([a-z]\w*)?([<>])\s*(.*)$/s.exec(line) ?? []
  if (arrow === '>') return { kind: 'send', socket: socket || 'a', frame: parseFrame(rest) }
  if (arrow === '<') return { kind: 'expect', socket: socket || 'a', expectation: parseExpectation(rest) }
  return parseVerb(wordsOf(line))
}

function parseVerb([verb = '', ...words]: string[]): Action {
  const [first = 'a', second, third] = words
  if (verb === 'socket') return parseSocket(words)
  if ((verb === 'drop' || verb === 'return') && words.length <= 1) return { kind: verb, socket: first }
  if (verb === 'save') return parseSave(words)
  if (verb === 'wait') return { kind: 'wait', ms: parseDuration(first) }
  if (verb === 'emulator' && words.length > 0) return parseEmulator(words)
  throw new Error(`"${[verb, first, second, third].filter(Boolean).join(' ')}" is no line of a session`)
}

function parseSocket(words: string[]): Action {
  const named = words[0] !== undefined && !words[0].includes('=')
  const options = words.slice(named ? 1 : 0).map(conditionOf)
  const strange = options.find(({ field }) => !/^(origin|subprotocol|path|header\..+)$/.test(field))
  if (strange) throw new Error(`${strange.field}: a socket has origin, subprotocol, path and header.NAME`)
  return { kind: 'socket', socket: named ? (words[0] ?? 'a') : 'a', options }
}

function parseSave(words: string[]): Action {
  const [field, as, name, of, socket = 'a'] = words
  if (field === undefined || as !== 'as' || name === undefined || !/^[A-Za-z]\w*$/.test(name) || (of ?? 'of') !== 'of')
    throw new Error('it goes: save FIELD as NAME, or: save FIELD as NAME of SOCKET')
  return { kind: 'save', socket, field, name }
}

function parseDuration(word: string): number {
  const [, amount, unit] = /^(\d+)(ms|s)$/.exec(word) ?? []
  if (amount === undefined) throw new Error('a time is 200ms or 2s')
  return Number(amount) * (unit === 's' ? 1000 : 1)
}

function parseEmulator(words: string[]): Action {
  const [order = '', ...rest] = words
  if (order.includes('=')) return { kind: 'emulator', order: 'expect', conditions: words.map(conditionOf), words: [] }
  if (order === 'scenario' && rest.length > 0)
    return { kind: 'emulator', order, conditions: rest.slice(1).map(conditionOf), words: rest.slice(0, 1) }
  if (order === 'release' || order === 'reset') return { kind: 'emulator', order, conditions: [], words: rest }
  throw new Error(
    'it goes: emulator scenario NAME …, emulator release N, emulator reset, or emulator requests=N open=N',
  )
}
