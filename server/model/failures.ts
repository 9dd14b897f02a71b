import * as v from 'valibot'
import type { ModelFailure, ModelFailureKind } from './port.ts'

/** An HTTP answer that was an error. `whole`: its body was read to the end; its words are classified, never passed on. */
export type UpstreamError = { status: number; words: string; details: unknown; whole: boolean }

const detail = v.object({
  reason: v.fallback(v.optional(v.string()), undefined),
  retryDelay: v.fallback(v.optional(v.string()), undefined),
  violations: v.fallback(v.optional(v.array(v.object({ quotaId: v.fallback(v.string(), '') }))), undefined),
})
type Detail = v.InferOutput<typeof detail>

// Everything else may be billed: Google's books are not ours to see.
const FREE = new Set([400, 401, 403, 404, 429, 503])
const RETRYABLE = new Set<ModelFailureKind>(['rate_limited', 'unavailable'])

/** A failure of the call itself, before or after any HTTP answer: if it was sent Google may bill it, and it isn't tried again. */
export const failed = (kind: ModelFailureKind): ModelFailure => {
  return { kind, billing: kind === 'store' ? 'free' : 'unknown', retryable: false }
}

/** Google's error answer -> a failure: kind, whether it is free, whether and when to try again. */
export function failureOf(error: UpstreamError): ModelFailure {
  const details = detailsOf(error.details)
  const kind = kindOf(error, details)
  const retryAfterMs = kind === 'quota_exhausted' ? undefined : retryDelay(details)
  return {
    kind,
    billing: error.whole && FREE.has(error.status) ? 'free' : 'unknown',
    retryable: RETRYABLE.has(kind) || error.status === 500,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    status: error.status,
  }
}

/** An error that came inside a stream, by its code. The call had begun: it may be billed and isn't tried again. */
export function midStreamFailure(code: number): ModelFailure {
  const known = Number.isInteger(code) && code >= 400 && code <= 599
  const kind = known ? kindOf({ status: code, words: '' }, []) : 'upstream_error'
  return { ...failed(kind), ...(known && { status: code }) }
}

function kindOf({ status, words }: { status: number; words: string }, details: Detail[]): ModelFailureKind {
  switch (status) {
    case 400:
      return badRequestKind(words, details)
    case 401:
    case 403:
      return 'unauthorized'
    case 404:
      return 'not_found'
    case 429:
      return perDay(details) ? 'quota_exhausted' : 'rate_limited'
    case 503:
      return 'unavailable'
    default:
      return 'upstream_error'
  }
}

function badRequestKind(words: string, details: Detail[]): ModelFailureKind {
  if (details.some(({ reason }) => reason?.startsWith('API_KEY_')) || /API key (not valid|expired)/i.test(words)) {
    return 'unauthorized'
  }
  return /location is not supported/i.test(words) ? 'location' : 'bad_request'
}

const perDay = (details: Detail[]): boolean =>
  details.some(({ violations }) => violations?.some(({ quotaId }) => quotaId.includes('PerDay')))

/** RetryInfo's "15s" or "15.002899939s" -> milliseconds, rounded up. */
function retryDelay(details: Detail[]): number | undefined {
  for (const { retryDelay } of details) {
    const seconds = /^(\d{1,6}(?:\.\d+)?)s$/.exec(retryDelay ?? '')?.[1]
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1000)
  }
  return undefined
}

function detailsOf(details: unknown): Detail[] {
  if (!Array.isArray(details)) return []
  return details.flatMap((one: unknown) => {
    const parsed = v.safeParse(detail, one)
    return parsed.success ? [parsed.output] : []
  })
}
