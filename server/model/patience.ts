import type { Clock } from '../clock.ts'
import type { ModelFailureKind } from './port.ts'

/** What came of waiting: the value, what it was rejected with, or why the call was halted meanwhile. */
export type Waited<T> =
  | { at: 'value'; value: T }
  | { at: 'error'; error: unknown }
  | { at: 'halted'; why: ModelFailureKind }

/** One call's end, whoever asks for it first: `signal` closes the upstream, the reason is kept. */
export type Halt = {
  readonly signal: AbortSignal
  halt(why: ModelFailureKind): void
  /** Waits at most `ms`, then halts with `kind`. Never rejects, and a late rejection of `promise` is swallowed. */
  wait<T>(promise: Promise<T>, ms: number, kind: ModelFailureKind): Promise<Waited<T>>
  /** `read`: the upstream has said all; else it is closed. */
  close(read?: boolean): void
}

/** A fresh controller for one call, halted by `outer` and after `wholeMs`. Always `close` it: that frees both. */
export function haltable(clock: Clock, outer: AbortSignal, wholeMs: number): Halt {
  const controller = new AbortController()
  let reason: ModelFailureKind | undefined
  let release = (_why: ModelFailureKind) => {}

  const halt = (why: ModelFailureKind) => {
    if (reason) return
    reason = why
    controller.abort()
    release(why)
  }
  const deadline = deadlineOf(clock, halt)
  const onAbort = () => halt('aborted')
  outer.addEventListener('abort', onAbort, { once: true })
  const offWhole = clock.after(wholeMs, () => halt('answer_timeout'))

  return {
    signal: controller.signal,
    halt,
    wait<T>(promise: Promise<T>, ms: number, kind: ModelFailureKind) {
      return new Promise<Waited<T>>((resolve) => {
        deadline.set(ms, kind)
        const settle = (waited: Waited<T>) => {
          deadline.clear()
          resolve(reason ? { at: 'halted', why: reason } : waited)
        }
        release = (why) => settle({ at: 'halted', why })
        promise.then(
          (value) => settle({ at: 'value', value }),
          (error: unknown) => settle({ at: 'error', error }),
        )
        if (reason) release(reason)
      })
    },
    close(read = false) {
      outer.removeEventListener('abort', onAbort)
      offWhole()
      deadline.close()
      // An abort that nobody needs costs as much as some tokens.
      if (!read) controller.abort()
    },
  }
}

/** A timer as late as this was held up here, by a blocked event loop or a machine that stood still. */
const HELD_UP_MS = 250

/**
 * One deadline that moves with each chunk: its timer stays, and looks again when it comes too early. When it was held up,
 * what has come meanwhile is not read yet, so it looks once more.
 */
function deadlineOf(clock: Clock, miss: (kind: ModelFailureKind) => void) {
  let due: { at: number; kind: ModelFailureKind; excused?: boolean } | undefined
  let armedFor = Number.POSITIVE_INFINITY
  let off = () => {}
  const look = () => {
    armedFor = Number.POSITIVE_INFINITY
    if (!due) return
    const left = due.at - clock.monotonic()
    if (left > 0) return arm(due.at, left)
    if (left > -HELD_UP_MS || due.excused) return miss(due.kind)
    due.excused = true
    arm(due.at, HELD_UP_MS)
  }
  const arm = (at: number, ms: number) => {
    armedFor = at
    off = clock.after(ms, look)
  }
  return {
    set(ms: number, kind: ModelFailureKind) {
      const at = clock.monotonic() + ms
      due = { at, kind }
      if (armedFor <= at) return
      off()
      arm(at, ms)
    },
    clear() {
      due = undefined
    },
    close: () => off(),
  }
}
