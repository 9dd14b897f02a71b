import { setImmediate as turn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { type Emulator, startEmulator } from '../../emulator/emulator.ts'
import type { ScenarioOrder } from '../../emulator/order.ts'
import { parseClientMessage } from '../../protocol/parse.ts'
import type { Log } from '../../server/log.ts'
import type { GeminiOptions } from '../../server/model/gemini.ts'
import type { Model, ModelEvent, ModelFailure, ModelRequest } from '../../server/model/port.ts'
import { type ManualClock, manualClock } from '../helpers/manual-clock.ts'

export const KEY = 'AQ.the-key-of-these-tests'
export const request: ModelRequest = {
  system: 'Tu es Le Mécano.',
  turns: [
    { role: 'user', text: 'Bonjour' },
    { role: 'model', text: 'Bonjour marin !' },
    { role: 'user', text: 'Un vélo ?' },
  ],
  maxOutputTokens: 400,
}

export const CHUNKS = ['Bonj', 'our ma', 'rin ! Nos vélos électriques : ', 'à partir de 1 200 €. \u{1F6B2}']
export const TEXT = CHUNKS.join('')

/** A model in front of an emulator with a scenario in force, and what it logged. */
export type Bench = {
  emulator: Emulator
  clock: ManualClock
  lines: string[]
  model(options?: Partial<GeminiOptions>): Model
}
export type MakeModel = (options: GeminiOptions) => Model

export type Check = (title: string, order: ScenarioOrder | null, run: (bench: Bench) => Promise<void>) => void

// Warnings: Node gives one when listeners pile up.
const complaints: unknown[] = []
process.on('unhandledRejection', (reason) => complaints.push(reason))
process.on('warning', (warning) => complaints.push(warning))

/** Runs one test on a bench of its own, then proves that nothing leaked, timers and secrets included. */
export async function onBench(make: MakeModel, order: ScenarioOrder | null, run: (bench: Bench) => Promise<void>) {
  const emulator = await startEmulator({ speed: 0, key: KEY })
  emulator.setScenario(order)
  const clock = manualClock()
  const lines: string[] = []
  const base = { apiKey: KEY, model: 'gemini-3.5-flash-lite', baseUrl: emulator.url, apiVersion: 'v1beta' }
  const times = { firstChunkTimeoutMs: 15_000, chunkTimeoutMs: 10_000, answerTimeoutMs: 60_000 }
  const model = (options = {}) => make({ ...base, ...times, clock, log: linesLog(lines), ...options })
  try {
    await run({ emulator, clock, lines, model })
    await turn()
    assert.is(clock.pending(), 0, 'a timer is left')
    assert.equal(complaints.splice(0), [], 'an unhandled rejection or a warning')
    for (const line of lines) assertSecret(line, emulator.url)
  } finally {
    await emulator.close()
  }
}

function linesLog(lines: string[], common = {}): Log {
  const write = (event: string, fields = {}) => void lines.push(JSON.stringify({ event, ...common, ...fields }))
  return { info: write, warn: write, error: write, child: (fields) => linesLog(lines, { ...common, ...fields }) }
}

/** Reads an answer whole, checking every event against the port's words. */
export async function read(answer: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of answer) {
    assert.not.ok(events.some(isLast), 'an event after the last one')
    assertEvent(event)
    events.push(event)
  }
  assert.ok(events.some(isLast), 'no end and no failure')
  return events
}

const isLast = ({ type }: ModelEvent) => type === 'end' || type === 'failure'

function assertEvent(event: ModelEvent) {
  if (event.type === 'text') {
    assert.not.equal(event.text, '')
    assert.ok(parseClientMessage(JSON.stringify({ type: 'ask', id: 'q', text: event.text })).ok, 'not well-formed')
    return
  }
  assertSecret(JSON.stringify(event), 'http')
  const usage = 'usage' in event ? event.usage : undefined
  if (!usage) return
  for (const tokens of Object.values(usage)) assert.ok(Number.isSafeInteger(tokens) && tokens >= 0, 'absurd usage')
}

function assertSecret(text: string, url: string) {
  for (const secret of [KEY, url, 'googleapis', 'Error fetching', 'Please']) assert.not(text.includes(secret), text)
}

export const textOf = (events: ModelEvent[]): string =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('')

/** The last event, which is an `end`. */
export function endOf(events: ModelEvent[]): Extract<ModelEvent, { type: 'end' }> {
  const last = events.at(-1)
  if (last?.type !== 'end') throw new Error(`not an end: ${JSON.stringify(last)}`)
  return last
}

/** The last event's failure. */
export function failureOf(events: ModelEvent[]): ModelFailure {
  const last = events.at(-1)
  if (last?.type !== 'failure') throw new Error(`not a failure: ${JSON.stringify(last)}`)
  return last.failure
}

/** What the emulator received, as JSON. */
export function bodyOf(emulator: Emulator): Record<string, unknown> {
  return JSON.parse(emulator.ledger().entries.at(-1)?.body ?? '{}')
}

export const never = (): AbortSignal => new AbortController().signal
