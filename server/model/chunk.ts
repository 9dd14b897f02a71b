import * as v from 'valibot'
import { type FinishedAs, finishedAs } from './finish.ts'
import type { ModelUsage } from './port.ts'

/** One event of Gemini's stream, in our words. `error` is the code of an error that came instead of an answer. */
export type Chunk = { text: string; finish?: FinishedAs; usage?: ModelUsage; version?: string; error?: number }

// Sixteen times Gemini's context window: more is not a count but a fault.
const tokens = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(2 ** 24))
const usageMetadata = v.object({
  promptTokenCount: tokens,
  candidatesTokenCount: v.nullish(tokens),
  thoughtsTokenCount: v.nullish(tokens),
  totalTokenCount: tokens,
})
const part = v.object({ text: v.fallback(v.string(), ''), thought: v.fallback(v.optional(v.boolean()), undefined) })
const candidate = v.object({
  content: v.nullish(v.object({ parts: v.nullish(v.array(part)) })),
  finishReason: v.nullish(v.string()),
})
const response = v.object({
  candidates: v.nullish(v.array(candidate)),
  promptFeedback: v.nullish(v.object({ blockReason: v.nullish(v.string()) })),
  modelVersion: v.fallback(v.optional(v.pipe(v.string(), v.regex(/^[\w.:@/-]{1,80}$/))), undefined),
  usageMetadata: v.optional(v.unknown()),
  error: v.nullish(v.object({ code: v.fallback(v.number(), 0) })),
})

/** What a stream sent -> a chunk with its visible text (thoughts left out), or undefined when it is no response. */
export function readChunk(sent: unknown): Chunk | undefined {
  const parsed = v.safeParse(response, sent)
  if (!parsed.success) return undefined
  const { candidates, promptFeedback, modelVersion, usageMetadata: metadata, error } = parsed.output
  const first = candidates?.[0]
  const text = (first?.content?.parts ?? []).map((part) => (part.thought ? '' : part.text)).join('')
  const finish = finishOf(first?.finishReason, promptFeedback?.blockReason)
  const usage = usageOf(metadata)
  return {
    text,
    ...(finish && { finish }),
    ...(usage && { usage }),
    ...(modelVersion && { version: modelVersion }),
    ...(error && { error: error.code }),
  }
}

function finishOf(reason: string | null | undefined, blocked: string | null | undefined): FinishedAs | undefined {
  if (reason) return finishedAs(reason)
  return blocked ? 'filtered' : undefined
}

/** Thoughts are billed as output, so output is total − prompt, and never less than its parts; absurd: undefined. */
function usageOf(metadata: unknown): ModelUsage | undefined {
  const parsed = v.safeParse(usageMetadata, metadata)
  if (!parsed.success) return undefined
  const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, totalTokenCount } = parsed.output
  const parts = (candidatesTokenCount ?? 0) + (thoughtsTokenCount ?? 0)
  const output = totalTokenCount - promptTokenCount
  return output < 0 ? undefined : { promptTokens: promptTokenCount, outputTokens: Math.max(output, parts) }
}
