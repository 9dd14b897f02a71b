import { validApiKey } from './api-key.ts'
import { type AttemptOptions, streamedModel, type Upstream } from './attempt.ts'
import { failed, failureOf } from './failures.ts'
import { type LeanFetch, leanFetch } from './lean-fetch.ts'
import type { Model, ModelFailure, ModelRequest } from './port.ts'
import { loadSdk } from './sdk.ts'
import { leastThinking, type Thinking } from './thinking.ts'

/** `baseUrl` is trusted: redirects are refused, and the key goes there. `thinking` defaults to the model's least. */
export type GeminiAccess = {
  model: string
  apiKey: string
  baseUrl: string
  apiVersion: string
  thinking?: Thinking
}
export type GeminiOptions = AttemptOptions & GeminiAccess

/** Names the call in a header that stays here: nothing else of ours comes through the SDK to its fetch. */
const CALL = 'x-call'
const calls = new Map<string, LeanFetch>()
let lastCall = 0

const sdk = loadSdk((url, init) => {
  const fetch = calls.get(init.headers.take(CALL) ?? '')
  if (!fetch) throw new Error('a call without bounds')
  return fetch(url, init)
})
const { GoogleGenerativeAI, GoogleGenerativeAIFetchError, HarmBlockThreshold, HarmCategory } = sdk

const safetySettings = [
  HarmCategory.HARM_CATEGORY_HARASSMENT,
  HarmCategory.HARM_CATEGORY_HATE_SPEECH,
  HarmCategory.HARM_CATEGORY_SEXUALLY_EXPLICIT,
  HarmCategory.HARM_CATEGORY_DANGEROUS_CONTENT,
].map((category) => ({ category, threshold: HarmBlockThreshold.BLOCK_MEDIUM_AND_ABOVE }))

/** Gemini through @google/generative-ai, a single attempt for each answer. Throws on a key that no header can carry. */
export const geminiModel = (options: GeminiOptions): Model => streamedModel(options, geminiUpstream(options))

/** What all attempts share. Throws on a key that no header can carry. */
export function geminiUpstream(options: GeminiAccess): Upstream {
  if (!validApiKey(options.apiKey)) throw new Error('The API key has characters that a header cannot carry.')
  const { apiVersion } = options
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  // Uncompressed, so that the bytes counted on the wire are the bytes that the SDK has to chew.
  const headers = { 'accept-encoding': 'identity' }
  const model = new GoogleGenerativeAI(options.apiKey).getGenerativeModel(
    { model: options.model },
    { baseUrl, apiVersion },
  )
  const thinking = options.thinking ?? leastThinking(options.model)

  return {
    async open(request, signal, bounds) {
      const call = String(++lastCall)
      // The signal too goes past the SDK, which would follow it with a controller of its own and never let go of it.
      calls.set(call, leanFetch(bounds, signal))
      try {
        const customHeaders = { ...headers, [CALL]: call }
        const { stream } = await model.generateContentStream(body(request, thinking), { customHeaders })
        return stream
      } finally {
        calls.delete(call)
      }
    },
    explain,
  }
}

/** The request's body. `store` and `thinkingConfig` are newer than the SDK's types; it sends them as they are. */
function body({ system, turns, maxOutputTokens }: ModelRequest, thinking: Thinking | undefined) {
  return {
    store: false,
    safetySettings,
    generationConfig: { maxOutputTokens, ...(thinking && { thinkingConfig: thinking }) },
    ...(system && { systemInstruction: system }),
    contents: turns.map(({ role, text }) => ({ role, parts: [{ text }] })),
  }
}

/** What Google's SDK threw -> what it means for the call. */
export function explain(error: unknown): ModelFailure {
  if (error instanceof GoogleGenerativeAIFetchError && error.status !== undefined) {
    const { status, statusText, message, errorDetails } = error
    // The SDK swallows a body that breaks off or is not JSON: nothing then follows the status.
    const whole = !message.endsWith(`[${status} ${statusText}] `)
    return failureOf({ status, words: message, details: errorDetails, whole })
  }
  const words = error instanceof Error ? error.message : ''
  // A TypeError is the SDK stumbling over an event that is JSON but no object.
  const malformed = error instanceof TypeError || /Failed to parse stream|Error parsing JSON/.test(words)
  return failed(malformed ? 'malformed' : 'network')
}
