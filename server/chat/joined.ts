import type { Clock } from '../clock.ts'

/** Pieces of one text on their way to the visitor; `flush` says what waits. */
export type Joined = { push(text: string): void; flush(): void }

// What is as long as this is worth a frame of its own, and a reader who doesn't read is noticed frame by frame.
const MOST_WAITING = 4096

/**
 * A piece that comes after a pause is said at once; those that follow it within `joinMs` are said together when that time
 * is over. A busy server then writes to each socket once per picture of its screen instead of once per token.
 */
export function joined(clock: Pick<Clock, 'monotonic' | 'after'>, joinMs: number, say: (text: string) => void): Joined {
  let waiting = ''
  let saidAt = Number.NEGATIVE_INFINITY
  let cancel: (() => void) | undefined
  const flush = () => {
    cancel?.()
    cancel = undefined
    if (waiting === '') return
    const text = waiting
    waiting = ''
    saidAt = clock.monotonic()
    say(text)
  }
  return {
    push(text) {
      waiting += text
      const left = saidAt + joinMs - clock.monotonic()
      if (left <= 0 || waiting.length >= MOST_WAITING) flush()
      else cancel ??= clock.after(left, flush)
    },
    flush,
  }
}
