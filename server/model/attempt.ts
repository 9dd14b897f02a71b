import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { MeteredAttempt } from '../meter.ts'
import { type Chunk, readChunk } from './chunk.ts'
import { failed, midStreamFailure } from './failures.ts'
import type { Bounds } from './lean-fetch.ts'
import { leavable } from './leavable.ts'
import { type Halt, haltable, type Waited } from './patience.ts'
import type { Model, ModelEvent, ModelFailure, ModelRequest } from './port.ts'
import { reader } from './reader.ts'
import { record } from './record.ts'

/** Times in milliseconds; `maxAnswerBytes` bounds a whole answer as it comes over the wire, frames included. */
export type AttemptOptions = {
  model: string
  firstChunkTimeoutMs: number
  chunkTimeoutMs: number
  answerTimeoutMs: number
  maxAnswerBytes?: number
  clock: Clock
  log: Log
  /** Called once for each attempt, when it is over. */
  onEnd?: (end: MeteredAttempt) => void
}

/** A vendor's SDK as an attempt sees it: how to open a stream of raw chunks, and what its errors mean. */
export type Upstream = {
  open(request: ModelRequest, signal: AbortSignal, bounds: Bounds): Promise<AsyncIterable<unknown>>
  explain(error: unknown): ModelFailure
}

// Each token in a chunk of its own, with its metadata, and room to spare: 1 MB at 800 tokens.
const roomFor = (maxOutputTokens: number): number => 2 ** 18 + 2 ** 10 * maxOutputTokens

/** A model over a vendor's SDK: one attempt for each answer, bounded in time and size, told as the port's events. */
export function streamedModel(options: AttemptOptions, upstream: Upstream): Model {
  return {
    answer: (request, signal) => leavable((inner) => attempt(options, upstream, request, inner), signal),
  }
}

async function* attempt(
  options: AttemptOptions,
  upstream: Upstream,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  const recording = record(options)
  // The SDK ignores a signal that is aborted already.
  if (signal.aborted) return yield recording.last({ type: 'failure', failure: failed('aborted') })

  const maxBytes = options.maxAnswerBytes ?? roomFor(request.maxOutputTokens)
  const halt = haltable(options.clock, signal, options.answerTimeoutMs)
  const bounds = { maxBytes, ready: request.ready, refuse: halt.halt }
  const next = stepsOf(options, halt, () => upstream.open(request, halt.signal, bounds))
  const reading = reader()
  let read = false
  try {
    let found = chunkOf(await next(), upstream.explain)
    for (; found.at === 'chunk'; found = chunkOf(await next(), upstream.explain)) {
      recording.chunk()
      found = within(maxBytes - reading.length(), found)
      if (found.at !== 'chunk') break
      const event = reading.take(found.chunk)
      if (event) yield event
    }
    read = found.at === 'ended'
    if (found.at === 'failure' && !reading.finished())
      return yield recording.last({ type: 'failure', failure: found.failure })
    for (const event of reading.end()) yield event.type === 'end' ? recording.last(event) : event
  } finally {
    halt.close(read)
    recording.left()
  }
}

type Found = { at: 'chunk'; chunk: Chunk } | { at: 'failure'; failure: ModelFailure } | { at: 'ended' }

function chunkOf(step: Step, explain: Upstream['explain']): Found {
  if (step.at === 'halted') return { at: 'failure', failure: failed(step.why) }
  if (step.at === 'error') return { at: 'failure', failure: explain(step.error) }
  if (step.value.done) return { at: 'ended' }
  const chunk = readChunk(step.value.value)
  if (!chunk) return { at: 'failure', failure: failed('malformed') }
  return chunk.error === undefined ? { at: 'chunk', chunk } : { at: 'failure', failure: midStreamFailure(chunk.error) }
}

const within = (room: number, found: Extract<Found, { at: 'chunk' }>): Found =>
  found.chunk.text.length > room ? { at: 'failure', failure: failed('too_large') } : found

type Step = Waited<IteratorResult<unknown>>

/** The stream's raw chunks, one for each call, each waited for with patience. */
function stepsOf(
  { clock, firstChunkTimeoutMs, chunkTimeoutMs }: AttemptOptions,
  halt: Halt,
  open: () => Promise<AsyncIterable<unknown>>,
): () => Promise<Step> {
  let iterator: AsyncIterator<unknown> | undefined
  const first = async (): Promise<Step> => {
    const start = clock.monotonic()
    const opened = await halt.wait(open(), firstChunkTimeoutMs, 'first_chunk_timeout')
    if (opened.at !== 'value') return opened
    iterator = opened.value[Symbol.asyncIterator]()
    const left = firstChunkTimeoutMs - (clock.monotonic() - start)
    return halt.wait(iterator.next(), left, 'first_chunk_timeout')
  }
  return () => (iterator ? halt.wait(iterator.next(), chunkTimeoutMs, 'chunk_timeout') : first())
}
