import type { ServerResponse } from 'node:http'
import type { Clock, Random } from '../server/clock.ts'
import type { ScenarioOrder } from './order.ts'

/** Starts waiting, calls `done` when it is over; what it returns stops the wait. */
export type Wait = (done: () => void) => () => void

/** Chunks that may go, in the order they asked. */
export type Gate = { take: Wait; release(chunks: number): void; shut(): void }

export function createGate(): Gate {
  const waiting = new Set<() => void>()
  let free = 0
  const serve = () => {
    for (const go of waiting) {
      if (free < 1) return
      free -= 1
      waiting.delete(go)
      go()
    }
  }
  return {
    take(done) {
      waiting.add(done)
      serve()
      return () => waiting.delete(done)
    },
    release(chunks) {
      free += chunks
      serve()
    },
    shut() {
      free = 0
    },
  }
}

const FIRST_MS = 1000
const SPREAD = 0.557
const TOKENS_PER_MS = 0.25

/** Milliseconds before chunk `i`: the order's pace, or Gemini's at `speed` (0: none). */
export function paceOf(order: ScenarioOrder, speed: number, random: Random): (i: number, write: Write) => number {
  const { perChunkMs } = order
  if (perChunkMs !== undefined) return () => perChunkMs
  if (speed === 0) return () => 0
  return (i, { tokens }) => (i === 0 ? firstChunkMs(random) : tokens / TOKENS_PER_MS) / speed
}

// Log-normal: a median of 1 s and a 95th percentile of 2.5 s.
function firstChunkMs(random: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float())
  return FIRST_MS * Math.exp(SPREAD * normal)
}

/** One chunk, in one write or several; `tokens` is what it took to generate. */
export type Write = { bytes: readonly (string | Uint8Array)[]; tokens: number }
export type Performance<Ending> = {
  frames: Generator<Write, Ending>
  /** What to wait for before chunk `i`; undefined: nothing. */
  before: (i: number, write: Write) => Wait | undefined
  written: () => void
}

/** Plays chunks onto a response, with their pauses; resolves with the ending, or `left` when the client is gone. */
export async function play<Ending>(res: ServerResponse, script: Performance<Ending>): Promise<Ending | 'left'> {
  const { frames, before, written } = script
  const wait = waiterOf(res)
  let next = frames.next()
  for (let i = 0; next.done !== true; i++) {
    const pause = before(i, next.value)
    if (pause !== undefined) await wait(pause)
    for (const bytes of next.value.bytes) if (!res.closed && !res.write(bytes)) await wait(drained(res))
    if (res.closed) return 'left'
    written()
    next = frames.next()
  }
  return next.value
}

/** Waits for as long as the client stays. */
export async function hang(res: ServerResponse): Promise<void> {
  await waiterOf(res)(() => () => {})
}

/** Waits until what was written has left: a reset would take it away. */
export async function flushed(res: ServerResponse): Promise<void> {
  await waiterOf(res)((done) => {
    setImmediate(() => res.socket?.write('', () => setImmediate(done)))
    return () => {}
  })
}

type Waiter = (wait: Wait) => Promise<void>

/** Runs one wait at a time and ends it early when the response is closed. */
function waiterOf(res: ServerResponse): Waiter {
  let leave: (() => void) | undefined
  res.once('close', () => leave?.())
  return (wait) =>
    new Promise((resolve) => {
      if (res.closed) return resolve()
      const stop = wait(resolve)
      leave = () => {
        stop()
        resolve()
      }
    })
}

const drained =
  (res: ServerResponse): Wait =>
  (done) => {
    res.once('drain', done)
    return () => res.off('drain', done)
  }

/** `ms` of a clock as something to wait for. */
export const after =
  (clock: Clock, ms: number): Wait =>
  (done) =>
    clock.after(ms, done)

/** Whichever of two comes first; the other is stopped. */
export const either =
  (one: Wait, other: Wait): Wait =>
  (done) => {
    const stops: (() => void)[] = []
    let over = false
    const stop = () => {
      over = true
      for (const each of stops) each()
    }
    const go = () => {
      stop()
      done()
    }
    for (const wait of [one, other]) if (!over) stops.push(wait(go))
    return stop
  }
