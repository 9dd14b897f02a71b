import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { MeteredAttempt } from '../meter.ts'
import { readChunk } from './chunk.ts'
import { failed, midStreamFailure } from './failures.ts'
import { leavable } from './leavable.ts'
import { type Halt, haltable, type Waited } from './patience.ts'
import type { Model, ModelEvent, ModelFailure, ModelRequest } from './port.ts'
import { type Reader, reader } from './reader.ts'
import { record } from './record.ts'
import { watchWire } from './wire.ts'

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
  open(request: ModelRequest, signal: AbortSignal): Promise<AsyncIterable<unknown>>
  explain(error: unknown): ModelFailure
}

// Each token in a chunk of its own, with its metadata, and room to spare: 1 MB at 800 tokens. A single event of 1 MB
// costs the SDK half a second in small packets, and four times that at twice the size.
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
  const wire = watchWire(
    maxBytes,
    () => halt.halt('too_large'),
    () => halt.halt('upstream_error'),
  )
  const reading = reader()
  try {
    const steps = stepsOf(options, halt, () => wire.run(() => upstream.open(request, halt.signal)))
    const failure = yield* relay(recording.steps(steps), reading, maxBytes, upstream.explain)
    if (failure && !reading.finished()) return yield recording.last({ type: 'failure', failure })
    for (const event of reading.end()) yield event.type === 'end' ? recording.last(event) : event
  } finally {
    wire.close()
    halt.close()
    recording.left()
  }
}

/** Yields the events of the steps up to the first that is a failure, and returns it. */
async function* relay(
  steps: AsyncIterable<Waited<unknown>>,
  reading: Reader,
  maxBytes: number,
  explain: (error: unknown) => ModelFailure,
): AsyncGenerator<ModelEvent, ModelFailure | undefined> {
  for await (const step of steps) {
    if (step.at === 'halted') return failed(step.why)
    if (step.at === 'error') return explain(step.error)
    const chunk = readChunk(step.value)
    if (!chunk) return failed('malformed')
    if (chunk.error !== undefined) return midStreamFailure(chunk.error)
    if (reading.length() + chunk.text.length > maxBytes) return failed('too_large')
    yield* reading.take(chunk)
  }
  return undefined
}

/** The stream's raw chunks, each waited for with patience; ends with the stream, or after the first error or halt. */
async function* stepsOf(
  options: AttemptOptions,
  halt: Halt,
  open: () => Promise<AsyncIterable<unknown>>,
): AsyncGenerator<Waited<unknown>> {
  const start = options.clock.monotonic()
  const opened = await halt.wait(open(), options.firstChunkTimeoutMs, 'first_chunk_timeout')
  if (opened.at !== 'value') return yield opened

  const iterator = opened.value[Symbol.asyncIterator]()
  const left = options.firstChunkTimeoutMs - (options.clock.monotonic() - start)
  let step = await halt.wait(iterator.next(), left, 'first_chunk_timeout')
  while (step.at === 'value' && !step.value.done) {
    yield { at: 'value', value: step.value.value }
    step = await halt.wait(iterator.next(), options.chunkTimeoutMs, 'chunk_timeout')
  }
  if (step.at !== 'value') yield step
}
