import type { Chunk } from './chunk.ts'
import type { FinishedAs } from './finish.ts'
import type { ModelEvent, ModelUsage } from './port.ts'
import { wellFormed } from './well-formed.ts'

/** Turns an answer's chunks into events. After `end` it is spent. */
export type Reader = {
  take(chunk: Chunk): ModelEvent | undefined
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
      const { usage: counted } = chunk
      if (text) return { type: 'text', text, ...(counted && { usage: counted }) }
      return counted && { type: 'usage', usage: counted }
    },
    finished: () => finish !== undefined,
    length: () => length,
    end() {
      // Text that cost no output is a count gone wrong.
      const final = finish && usage && (usage.outputTokens > 0 || length === 0) ? usage : undefined
      const reason = finish ?? 'interrupted'
      const rest = form.end()
      return [
        ...(rest ? [{ type: 'text', text: rest } as const] : []),
        { type: 'end', reason, ...(final && { usage: final }), ...(version !== undefined && { version }) },
      ]
    },
  }
}
