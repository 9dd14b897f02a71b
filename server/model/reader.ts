import type { Chunk } from './chunk.ts'
import type { FinishedAs } from './finish.ts'
import type { ModelEvent, ModelUsage } from './port.ts'
import { wellFormed } from './well-formed.ts'

/** Turns an answer's chunks into events. After `end` it is spent. */
export type Reader = {
  take(chunk: Chunk): ModelEvent[]
  /** A finishReason came: the answer stands, however its stream ends. */
  finished(): boolean
  /** UTF-16 code units of text so far. */
  length(): number
  end(): ModelEvent[]
}

/** Only usage that came with the finishReason or after it is final; without one the answer was interrupted. */
export function reader(): Reader {
  const form = wellFormed()
  let length = 0
  let finish: FinishedAs | undefined
  let usage: ModelUsage | undefined
  let version: string | undefined

  return {
    take(chunk) {
      const text = form.push(chunk.text)
      length += chunk.text.length
      finish ??= chunk.finish
      usage = chunk.usage ?? (chunk.finish ? undefined : usage)
      version = chunk.version ?? version
      return [...(chunk.usage ? [usageEvent(chunk.usage)] : []), ...textEvents(text)]
    },
    finished: () => finish !== undefined,
    length: () => length,
    end() {
      // Text that cost no output is a count gone wrong.
      const final = finish && usage && (usage.outputTokens > 0 || length === 0) ? usage : undefined
      const reason = finish ?? 'interrupted'
      return [
        ...textEvents(form.end()),
        { type: 'end', reason, ...(final && { usage: final }), ...(version !== undefined && { version }) },
      ]
    },
  }
}

const usageEvent = (usage: ModelUsage): ModelEvent => ({ type: 'usage', usage })
const textEvents = (text: string): ModelEvent[] => (text ? [{ type: 'text', text }] : [])
