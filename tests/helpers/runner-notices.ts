import type { RunnerEvent } from './runner-events.ts'

/** What a helper has to say to the runner that started this file, when one did. */
export type Notice = Extract<RunnerEvent, { type: 'missing' | 'installing' }>

const listeners = new Set<(notice: Notice) => void>()

export const onNotice = (listener: (notice: Notice) => void): void => {
  listeners.add(listener)
}

/** Tells the runner; a file started by hand has none, so the notice goes to stderr. */
export function notify(notice: Notice): void {
  for (const listener of listeners) listener(notice)
  if (listeners.size > 0) return
  const text = notice.type === 'missing' ? `is missing; install it by: ${notice.command}` : 'is being installed'
  process.stderr.write(`${notice.tool} ${text}\n`)
}
