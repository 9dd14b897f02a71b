import type { Clock } from '../clock.ts'

const STORE_TEXT_MS = 1000
// Answers that are stored in the same moment share a transaction.
const MOMENT_MS = 50

/**
 * Has the text of one answer on its way stored, for the case that this process dies: its first piece at once, what comes
 * after it within a second. What is stored then comes back as interrupted. `end` stops it: the whole turn is stored.
 */
export function keepText(clock: Clock, store: () => void): { grew(): void; end(): void } {
  let cancel: (() => void) | undefined
  let grown = false
  const grew = () => {
    grown = true
    if (!cancel) keep()
  }
  const keep = () => {
    cancel = undefined
    if (!grown) return
    grown = false
    cancel = clock.after(STORE_TEXT_MS - (clock.monotonic() % MOMENT_MS), keep)
    store()
  }
  return { grew, end: () => cancel?.() }
}
