import { type Json, pretty } from './wire.ts'

/** A whole HTTP answer that is not a stream. */
export type Answered = { status: number; headers: Record<string, string>; body: string }

const TYPE = 'type.googleapis.com/google.rpc'
const SERVICE = 'generativelanguage.googleapis.com'
const LIMITS = 'https://ai.google.dev/gemini-api/docs/rate-limits'
export const JSON_TYPE = 'application/json; charset=UTF-8'
const HTML_TYPE = 'text/html; charset=UTF-8'

/** Google's error envelope, pretty printed; `details` is left out when empty. */
export function googleError(code: number, status: string, message: string, details: readonly Json[] = []): Answered {
  const error = { code, message, status, details: details.length > 0 ? details : undefined }
  return json(code, { error })
}

export const json = (status: number, value: Json): Answered => ({
  status,
  headers: { 'content-type': JSON_TYPE, vary: 'Origin, X-Origin, Referer' },
  body: pretty(value),
})

/** 400 INVALID_ARGUMENT; `field` adds the BadRequest detail that wrong field types come with. */
export const invalid = (message: string, field?: string): Answered => {
  const violation = { field: field || undefined, description: message }
  const details = field === undefined ? [] : [{ '@type': `${TYPE}.BadRequest`, fieldViolations: [violation] }]
  return googleError(400, 'INVALID_ARGUMENT', message, details)
}

const errorInfo = (reason: string, metadata: Json = { service: SERVICE }): Json => ({
  '@type': `${TYPE}.ErrorInfo`,
  reason,
  domain: 'googleapis.com',
  metadata,
})

/** A key that Google does not know; with `quoted`, DebugInfo repeats it as Google sometimes does. */
export function keyInvalid(quoted?: string): Answered {
  const message = 'API key not valid. Please pass a valid API key.'
  const localized = { '@type': `${TYPE}.LocalizedMessage`, locale: 'en-US', message }
  const detail = `[ORIGINAL ERROR] generic::invalid_argument: API key not valid: ${quoted}`
  const debug = quoted === undefined ? [] : [{ '@type': `${TYPE}.DebugInfo`, detail }]
  return googleError(400, 'INVALID_ARGUMENT', message, [errorInfo('API_KEY_INVALID'), localized, ...debug])
}

export const keyMissing = (): Answered =>
  googleError(
    403,
    'PERMISSION_DENIED',
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
  )

export const keyForbidden = (): Answered =>
  googleError(403, 'PERMISSION_DENIED', 'Permission denied: the API key may not use this API.', [
    errorInfo('API_KEY_SERVICE_BLOCKED'),
  ])

export const unauthenticated = (): Answered =>
  googleError(
    401,
    'UNAUTHENTICATED',
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
    [errorInfo('ACCESS_TOKEN_TYPE_UNSUPPORTED')],
  )

export const wrongLocation = (): Answered =>
  googleError(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.')

export const modelNotFound = (model: string, version: string, method: string): Answered =>
  googleError(
    404,
    'NOT_FOUND',
    `models/${model} is not found for API version ${version}, or is not supported for ${method}. Call ListModels to see the list of available models and their supported methods.`,
  )

/** 429 for a quota per minute or per day; RetryInfo says `seconds`, as a decimal duration. */
export function quotaExceeded(per: 'Minute' | 'Day', model: string, seconds: number): Answered {
  const metric = `${SERVICE}/generate_content_free_tier_requests`
  const limit = per === 'Day' ? 1000 : 15
  const message = `You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: ${LIMITS}.\n* Quota exceeded for metric: ${metric}, limit: ${limit}, model: ${model}\nPlease retry in ${seconds}s.`
  const violation = {
    quotaMetric: metric,
    quotaId: `GenerateRequestsPer${per}PerProjectPerModel-FreeTier`,
    quotaDimensions: { location: 'global', model },
    quotaValue: String(limit),
  }
  return googleError(429, 'RESOURCE_EXHAUSTED', message, [
    { '@type': `${TYPE}.Help`, links: [{ description: 'Learn more about Gemini API quotas', url: LIMITS }] },
    { '@type': `${TYPE}.QuotaFailure`, violations: [violation] },
    { '@type': `${TYPE}.RetryInfo`, retryDelay: `${seconds}s` },
  ])
}

export const internal = (): Answered => googleError(500, 'INTERNAL', 'An internal error has occurred. Please retry.')

export const unavailable = (): Answered =>
  googleError(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.')

const html = (status: number, title: string, sentence: string): Answered => ({
  status,
  headers: { 'content-type': HTML_TYPE, 'referrer-policy': 'no-referrer' },
  body: `<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error ${title}!!1</title>\n  <p><b>${status}.</b> <ins>That’s an error.</ins>\n  <p>${sentence}  <ins>That’s all we know.</ins>\n`,
})

/** The page Google answers a path with that it does not serve. */
export const notFoundPage = (): Answered =>
  html(404, '404 (Not Found)', 'The requested URL was not found on this server.')

export const badGatewayPage = (): Answered =>
  html(502, '502 (Server Error)', 'The server encountered a temporary error and could not complete your request.')

export const redirectTo = (location: string): Answered => ({ ...html(302, '302 (Found)', ''), headers: { location } })
