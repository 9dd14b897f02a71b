import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { MeteredAttempt } from '../meter.ts'
import { type Chunk, readChunk } from './chunk.ts'
import { failed, midStreamFailure } from './failures.ts'
import type { Bounds } from './lean-fetch.ts'
import { type Halt, haltable, type Waited } from './patience.ts'
import type { Model, ModelEvent, ModelFailure, ModelRequest } from './port.ts'
import { type Reader, reader } from './reader.ts'
import { type Recording, record } from './record.ts'

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
    answer: (request, signal) => ({
      [Symbol.asyncIterator]: () => new Attempt(options, upstream, request, signal),
    }),
  }
}

/**
 * Begins with its first `next`. By hand rather than a generator, which costs each token three more promises, and which can't
 * be left while a `next` is pending.
 */
class Attempt implements AsyncIterator<ModelEvent, undefined> {
  private call: Call | undefined
  /** What is still to be told, once no more is read. */
  private last: ModelEvent[] | undefined
  private pending: Promise<unknown> | undefined

  constructor(
    private readonly options: AttemptOptions,
    private readonly upstream: Upstream,
    private readonly request: ModelRequest,
    private readonly signal: AbortSignal,
  ) {}

  next(): Promise<IteratorResult<ModelEvent, undefined>> {
    const step = this.last ? Promise.resolve(told(this.last)) : this.step()
    this.pending = step
    return step
  }

  async return(): Promise<IteratorResult<ModelEvent, undefined>> {
    this.call?.halt.halt('aborted')
    await this.pending
    if (!this.last) this.end(false, [])
    this.last = []
    return told(this.last)
  }

  private async step(): Promise<IteratorResult<ModelEvent, undefined>> {
    const { call = this.begin() } = this
    // The SDK ignores a signal that is aborted already.
    if (!call) return this.fail(failed('aborted'))
    const { recording, reading, maxBytes } = call
    for (;;) {
      const found = chunkOf(await call.read(), this.upstream.explain)
      if (found.at === 'chunk') recording.chunk()
      const fitting = found.at === 'chunk' ? within(maxBytes - reading.length(), found) : found
      if (fitting.at === 'failure' && !reading.finished()) return this.fail(fitting.failure)
      if (fitting.at !== 'chunk') return told(this.end(fitting.at === 'ended', reading.end()))
      const event = reading.take(fitting.chunk)
      if (event) return { done: false, value: event }
    }
  }

  private begin(): Call | undefined {
    const { options, upstream, request, signal } = this
    if (signal.aborted) return undefined
    const recording = record(options)
    const maxBytes = options.maxAnswerBytes ?? roomFor(request.maxOutputTokens)
    const halt = haltable(options.clock, signal, options.answerTimeoutMs)
    const bounds = { maxBytes, ready: request.ready, refuse: halt.halt }
    const read = stepsOf(options, halt, () => upstream.open(request, halt.signal, bounds))
    this.call = { recording, maxBytes, halt, read, reading: reader() }
    return this.call
  }

  private fail(failure: ModelFailure): IteratorResult<ModelEvent, undefined> {
    return told(this.end(false, [{ type: 'failure', failure }]))
  }

  /** `read`: the upstream has said all. */
  private end(read: boolean, events: ModelEvent[]): ModelEvent[] {
    this.call?.halt.close(read)
    const recording = this.call?.recording ?? record(this.options)
    const last = events.at(-1)
    if (last) recording.last(last)
    else if (this.call) recording.left()
    this.last = events
    return events
  }
}

/** A call on its way. */
type Call = {
  recording: Recording
  maxBytes: number
  halt: Halt
  read: () => Promise<Step>
  reading: Reader
}

function told(events: ModelEvent[]): IteratorResult<ModelEvent, undefined> {
  const value = events.shift()
  return value ? { done: false, value } : { done: true, value: undefined }
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
