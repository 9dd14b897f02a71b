import { ApiError, type GenerateContentParameters, GoogleGenAI, HarmBlockThreshold, HarmCategory } from '@google/genai'
import { streamedModel } from '../../server/model/attempt.ts'
import { failed, failureOf, midStreamFailure } from '../../server/model/failures.ts'
import type { GeminiOptions } from '../../server/model/gemini.ts'
import { type Bounds, untilReady } from '../../server/model/lean-fetch.ts'
import type { Model, ModelFailure, ModelRequest } from '../../server/model/port.ts'
import { leastThinking } from '../../server/model/thinking.ts'

/** The same port over @google/genai: what a move to Google's newer SDK would take. */
export function genaiModel(options: GeminiOptions): Model {
  const headers = { 'accept-encoding': 'identity' }
  const sdk = (bounds: Bounds) => {
    const httpOptions = { baseUrl: options.baseUrl, apiVersion: options.apiVersion, headers, fetch: bounded(bounds) }
    return new GoogleGenAI({ apiKey: options.apiKey, vertexai: false, httpOptions })
  }
  return streamedModel(options, {
    open: (request, signal, bounds) => sdk(bounds).models.generateContentStream(parameters(request, options, signal)),
    explain,
  })
}

// Its own dispatcher is never closed; the plain fetch is shared with everything else.
const bounded =
  (bounds: Bounds) =>
  async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { maxBytes, refuse } = bounds
    await untilReady(bounds)
    const response = await fetch(url, { ...init, redirect: 'manual' })
    if (response.status >= 300 && response.status < 400) refuse('upstream_error')
    let bytes = 0
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        bytes += piece.byteLength
        if (bytes > maxBytes) refuse('too_large')
        controller.enqueue(piece)
      },
    })
    return new Response(response.body?.pipeThrough(count) ?? null, response)
  }

function parameters(
  request: ModelRequest,
  options: GeminiOptions,
  abortSignal: AbortSignal,
): GenerateContentParameters {
  const thinking = options.thinking ?? leastThinking(options.model)
  const extraBody = thinking && { generationConfig: { thinkingConfig: thinking } }
  return {
    model: options.model,
    contents: request.turns.map(({ role, text }) => ({ role, parts: [{ text }] })),
    config: {
      abortSignal,
      store: false,
      maxOutputTokens: request.maxOutputTokens,
      systemInstruction: { role: 'system', parts: [{ text: request.system }] },
      safetySettings: [
        HarmCategory.HARM_CATEGORY_HARASSMENT,
        HarmCategory.HARM_CATEGORY_HATE_SPEECH,
        HarmCategory.HARM_CATEGORY_SEXUALLY_EXPLICIT,
        HarmCategory.HARM_CATEGORY_DANGEROUS_CONTENT,
      ].map((category) => ({ category, threshold: HarmBlockThreshold.BLOCK_MEDIUM_AND_ABOVE })),
      ...(extraBody && { httpOptions: { extraBody } }),
    },
  }
}

// Its errors carry a JSON text: the whole answer's body, or "got status: …" and an event of the stream.
function explain(error: unknown): ModelFailure {
  if (error instanceof ApiError) {
    if (error.message.startsWith('got status')) return midStreamFailure(error.status)
    return failureOf({ status: error.status, words: error.message, details: detailsOf(error.message), whole: true })
  }
  const words = error instanceof Error ? error.message : ''
  const malformed = error instanceof SyntaxError || /exception parsing stream chunk|Incomplete JSON segment/.test(words)
  return failed(malformed ? 'malformed' : 'network')
}

function detailsOf(words: string): unknown {
  const body: { error?: { details?: unknown } } = JSON.parse(words)
  return body.error?.details
}
