import type { IncomingMessage, ServerResponse } from 'node:http'
import { countAll } from './answer.ts'
import { type Answered, invalid, json, keyInvalid, keyMissing, modelNotFound, notFoundPage } from './errors.ts'
import { type Exchange, type House, perform, refuse } from './generate.ts'
import { readBody, send } from './http.ts'
import { isModel, modelJson, modelsJson } from './models.ts'
import { checkCount, checkRequest } from './request.ts'

const ROUTE = /^\/(v1|v1beta)\/models(?:\/([^/:]+))?(?::(\w+))?$/
const TOO_BIG = 'Request payload size exceeds the limit: 20971520 bytes.'

/** Answers a request for one of Google's paths; any other path gets Google's 404 page. */
export async function gemini(req: IncomingMessage, res: ServerResponse, url: URL, house: House): Promise<void> {
  const [, version, model, method] = ROUTE.exec(url.pathname) ?? []
  const key = String(req.headers['x-goog-api-key'] ?? url.searchParams.get('key') ?? '')
  if (version !== undefined && method === undefined && req.method === 'GET')
    return send(res, keyProblem(key, house) ?? described(model, version))
  if (version === undefined || model === undefined || method === undefined || req.method !== 'POST')
    return send(res, notFoundPage())
  const target = { version, model, method, sse: url.searchParams.get('alt') === 'sse' }
  const exchange = { req, res, target, key, house }
  if (method === 'countTokens') return count(exchange)
  if (method === 'generateContent' || method === 'streamGenerateContent') return generate(exchange)
  return send(res, notFoundPage())
}

function keyProblem(key: string, house: House): Answered | undefined {
  if (key === '') return keyMissing()
  return house.key === undefined || house.key === key ? undefined : keyInvalid()
}

const modelProblem = (model: string, version: string, method: string): Answered | undefined =>
  isModel(model) ? undefined : modelNotFound(model, version, method)

function described(model: string | undefined, version: string): Answered {
  if (model === undefined) return json(200, modelsJson())
  return modelProblem(model, version, 'generateContent') ?? json(200, modelJson(model))
}

async function count({ req, res, target, key, house }: Exchange): Promise<void> {
  const body = await readBody(req)
  const { model, version, method } = target
  const problem = keyProblem(key, house) ?? modelProblem(model, version, method)
  if (problem !== undefined) return send(res, problem)
  const checked = checkCount(body ?? '', model)
  if (!checked.ok) return send(res, checked.error)
  const totalTokens = countAll(checked.request.texts, { name: 'ok' })
  send(res, json(200, { totalTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: totalTokens }] }))
}

async function generate(exchange: Exchange): Promise<void> {
  const { req, target, key, house } = exchange
  const { model, version, method } = target
  const body = await readBody(req)
  const problem = keyProblem(key, house) ?? modelProblem(model, version, method)
  if (problem !== undefined || body === undefined) return refuse(exchange, body ?? '', problem ?? invalid(TOO_BIG))
  const checked = checkRequest(body, model)
  return checked.ok ? perform(exchange, body, checked.request) : refuse(exchange, body, checked.error)
}
