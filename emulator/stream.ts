import { hrtime } from 'node:process'
import type { Write } from './play.ts'
import type { Ending } from './scenarios.ts'
import { countTokens } from './tokens.ts'
import { type Chunk, encoderOf, type Frame, type Json, type Part, pretty, responseJson } from './wire.ts'

type Frames = Generator<Frame, Ending>
type Split = (event: string) => readonly Uint8Array[]

/** Server-sent events, each in one write unless it is to be split. */
export function* eventWrites(frames: Frames, model: string, id: string, split?: Split): Generator<Write, Ending> {
  const encode = encoderOf(model, id)
  let next = frames.next()
  for (; next.done !== true; next = frames.next()) {
    const event = encode(next.value)
    yield { bytes: split === undefined ? [event] : split(event), tokens: tokensOf(next.value) }
  }
  return next.value
}

/** The same writes, which say when they are made: `#` stands for the µs of the machine's monotonic clock. */
export function* stampedWrites(writes: Generator<Write, Ending>): Generator<Write, Ending> {
  let next = writes.next()
  for (; next.done !== true; next = writes.next()) {
    const { bytes, tokens } = next.value
    yield {
      get bytes() {
        const now = String(hrtime.bigint() / 1000n)
        return bytes.map((piece) => (typeof piece === 'string' ? piece.replaceAll('#', now) : piece))
      },
      tokens,
    }
  }
  return next.value
}

/** What the same call gives without `alt=sse`: one JSON array, a chunk at a time. */
export function* arrayWrites(frames: Frames, model: string, id: string): Generator<Write, Ending> {
  let lead = '['
  let next = frames.next()
  for (; next.done !== true; next = frames.next()) {
    const frame = next.value
    const text = 'raw' in frame ? frame.raw : pretty(responseJson(frame, model, id)).trimEnd()
    yield { bytes: [lead, text], tokens: tokensOf(frame) }
    lead = '\n,\r\n'
  }
  if (next.value === 'end') yield { bytes: [']'], tokens: 0 }
  return next.value
}

/** A stream's chunks as the one answer of `generateContent`; a raw frame is the whole body, as text. */
export function wholeAnswer(frames: Frames, model: string, id: string): { body: Json | string; ending: Ending } {
  const parts: Part[] = []
  let last: Chunk = { parts: null, usage: null }
  let next = frames.next()
  for (; next.done !== true; next = frames.next()) {
    if ('raw' in next.value) return { body: next.value.raw, ending: 'end' }
    last = next.value
    for (const part of last.parts ?? []) add(parts, part)
  }
  const chunk = parts.length > 0 ? { ...last, parts } : last
  return { body: responseJson(chunk, model, id), ending: next.value }
}

const tokensOf = (frame: Frame): number =>
  'raw' in frame ? 0 : (frame.parts ?? []).reduce((sum, { text }) => sum + countTokens(text), 0)

function add(parts: Part[], part: Part): void {
  const before = parts.at(-1)
  if (before === undefined || before.thought !== part.thought) parts.push({ ...part })
  else before.text += part.text
}
