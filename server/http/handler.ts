import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Page, type Pages, pickEncoding } from './pages.ts'

/** What a service answers with; it gets GET and HEAD alone. A rejection becomes a 500. */
export type Reply = { status: number; headers: Readonly<Record<string, string>>; body: string }
export type Service = (request: IncomingMessage) => Promise<Reply>

export type HandlerParts = {
  pages: () => Pages
  /** By path, beside those that are always there. */
  services: ReadonlyMap<string, Service>
  headers: Readonly<Record<string, string>>
  isReady: () => Promise<boolean>
}

const SERVICES = new Set(['/healthz', '/readyz', '/ws'])

/** Serves what is in the map, the services, /healthz and /readyz; all else is 404, and methods other than GET and HEAD are 405. */
export function createHandler(parts: HandlerParts): RequestListener {
  return (request, response) => {
    for (const [name, value] of Object.entries(parts.headers)) response.setHeader(name, value)
    // A body is never wanted: whoever sends one gets the answer and then the end.
    if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
      response.setHeader('connection', 'close')
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const page = parts.pages().get(path)
    const service = parts.services.get(path)
    if (!page && !service && !SERVICES.has(path)) return sendText(request, response, 404, 'Not found')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return sendText(request, response, 405, 'Method not allowed')
    }
    if (page) return sendPage(page, request, response)
    if (service) return void askService(service, request, response)
    void serve(parts, path, request, response)
  }
}

async function serve(parts: HandlerParts, path: string, request: IncomingMessage, response: ServerResponse) {
  if (path === '/healthz') return sendText(request, response, 200, 'ok')
  if (path === '/ws') {
    response.setHeader('upgrade', 'websocket')
    return sendText(request, response, 426, 'This address speaks WebSocket')
  }
  const isReady = await parts.isReady().catch(() => false)
  sendText(request, response, isReady ? 200 : 503, isReady ? 'ready' : 'not ready')
}

function sendPage(page: Page, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('vary', 'accept-encoding')
  response.setHeader('cache-control', page.cache)
  response.setHeader('etag', page.etag)
  for (const [name, value] of Object.entries(page.headers ?? {})) response.setHeader(name, value)
  if (page.shared) {
    response.setHeader('cross-origin-resource-policy', 'cross-origin')
    response.setHeader('access-control-allow-origin', '*')
  }
  if (isFresh(request.headers['if-none-match'], page.etag)) {
    response.writeHead(304).end()
    return
  }
  const encoding = pickEncoding(page, request.headers['accept-encoding'])
  if (encoding !== 'identity') response.setHeader('content-encoding', encoding)
  const body = page.bodies[encoding] ?? page.bodies.identity
  response.writeHead(200, { 'content-type': page.type, 'content-length': body.length })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** RFC 9110's weak comparison. */
function isFresh(wanted: string | undefined, etag: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return wanted?.trim() === '*' || (wanted?.split(',').some((tag) => opaque(tag) === opaque(etag)) ?? false)
}

async function askService(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = await service(request).catch(() => undefined)
  if (!reply) return sendText(request, response, 500, 'Internal error')
  sendReply(request, response, reply)
}

function sendText(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  sendReply(request, response, { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${text}\n` })
}

function sendReply(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Reply): void {
  const bytes = Buffer.from(body)
  response.setHeader('cache-control', 'no-store')
  response.writeHead(status, { ...headers, 'content-length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}
