import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { MeteredAttempt } from '../meter.ts'
import type { ModelEvent, ModelUsage } from './port.ts'

/** Writes one log line for an attempt, of our own words and numbers alone. */
export type Recording = {
  /** A chunk has come. */
  chunk(): void
  /** Logs how the attempt ended and hands the event back. */
  last(event: ModelEvent): ModelEvent
  /** Logs that the reader went away, unless the attempt has ended. */
  left(): void
}

export type RecordParts = { clock: Clock; log: Log; model: string; onEnd?: (end: MeteredAttempt) => void }

export function record({ clock, log, model, onEnd }: RecordParts): Recording {
  const start = clock.monotonic()
  let firstChunkMs: number | undefined
  let ended = false
  const tell = (result: MeteredAttempt['result'], usage?: ModelUsage) =>
    onEnd?.({ result, ...(firstChunkMs !== undefined && { firstChunkMs }), ...(usage && { usage }) })
  const times = () => ({ model, firstChunkMs, ms: Math.round(clock.monotonic() - start) })

  return {
    chunk() {
      firstChunkMs ??= Math.round(clock.monotonic() - start)
    },
    last(event) {
      ended = true
      if (event.type === 'end') {
        tell('answered', event.usage)
        log.info('model_answered', { ...times(), version: event.version, reason: event.reason, ...event.usage })
      } else if (event.type === 'failure') {
        const { kind, status, billing } = event.failure
        tell(kind, event.usage)
        log.warn('model_failed', { ...times(), kind, status, billing })
      }
      return event
    },
    left() {
      if (ended) return
      tell('left')
      log.info('model_left', times())
    },
  }
}
