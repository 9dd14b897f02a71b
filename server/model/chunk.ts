import { type FinishedAs, finishedAs } from './finish.ts'
import type { ModelUsage } from './port.ts'

/** One event of Gemini's stream, in our words. `error` is the code of an error that came instead of an answer. */
export type Chunk = { text: string; finish?: FinishedAs; usage?: ModelUsage; version?: string; error?: number }

// Sixteen times Gemini's context window: more is not a count but a fault.
const MOST_TOKENS = 2 ** 24
const VERSION = /^[\w.:@/-]{1,80}$/

/**
 * What a stream sent -> a chunk with its visible text (thoughts left out), or undefined when it is no response. Read by hand:
 * a schema takes a twentieth of all that forwarding a token costs.
 */
export function readChunk(sent: unknown): Chunk | undefined {
  if (!isObject(sent)) return undefined
  const { candidates, promptFeedback, modelVersion, usageMetadata, error } = sent
  const first = firstCandidate(candidates)
  const blocked = blockReason(promptFeedback)
  if (!first || blocked === undefined || !(isNone(error) || isObject(error))) return undefined
  const chunk: Chunk = { text: first.text }
  const finish = finishOf(first.finishReason, blocked)
  if (finish) chunk.finish = finish
  const usage = usageOf(usageMetadata)
  if (usage) chunk.usage = usage
  if (typeof modelVersion === 'string' && VERSION.test(modelVersion)) chunk.version = modelVersion
  if (!isNone(error)) chunk.error = typeof error.code === 'number' ? error.code : 0
  return chunk
}

type Json = Record<string, unknown>
type Candidate = { text: string; finishReason: string | null }

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null
const isNone = (value: unknown): value is null | undefined => value === undefined || value === null

/** Undefined when one of them is none; '' and null where there is no candidate. */
function firstCandidate(candidates: unknown): Candidate | undefined {
  let first: Candidate | undefined
  if (isNone(candidates)) return { text: '', finishReason: null }
  if (!Array.isArray(candidates)) return undefined
  for (const candidate of candidates) {
    const read = readCandidate(candidate)
    if (!read) return undefined
    first ??= read
  }
  return first ?? { text: '', finishReason: null }
}

function readCandidate(candidate: unknown): Candidate | undefined {
  if (!isObject(candidate)) return undefined
  const { content, finishReason } = candidate
  const text = isNone(content) ? '' : isObject(content) ? textOf(content.parts) : undefined
  if (text === undefined || !(isNone(finishReason) || typeof finishReason === 'string')) return undefined
  return { text, finishReason: finishReason ?? null }
}

function textOf(parts: unknown): string | undefined {
  if (isNone(parts)) return ''
  if (!Array.isArray(parts)) return undefined
  let visible = ''
  for (const part of parts) {
    if (!isObject(part)) return undefined
    if (typeof part.text === 'string' && part.thought !== true) visible += part.text
  }
  return visible
}

/** Null when nothing was blocked, undefined when what stands there is no feedback. */
function blockReason(feedback: unknown): string | null | undefined {
  if (isNone(feedback)) return null
  if (!isObject(feedback)) return undefined
  const { blockReason: reason } = feedback
  return isNone(reason) ? null : typeof reason === 'string' ? reason : undefined
}

function finishOf(reason: string | null, blocked: string | null): FinishedAs | undefined {
  if (reason) return finishedAs(reason)
  return blocked ? 'filtered' : undefined
}

/** Thoughts are billed as output, so output is total − prompt, and never less than its parts; absurd: undefined. */
function usageOf(metadata: unknown): ModelUsage | undefined {
  if (!isObject(metadata)) return undefined
  const { promptTokenCount: prompt, totalTokenCount: total } = metadata
  const answered = metadata.candidatesTokenCount ?? 0
  const thought = metadata.thoughtsTokenCount ?? 0
  if (!isTokens(prompt) || !isTokens(total) || !isTokens(answered) || !isTokens(thought)) return undefined
  const output = total - prompt
  return output < 0 ? undefined : { promptTokens: prompt, outputTokens: Math.max(output, answered + thought) }
}

const isTokens = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MOST_TOKENS
