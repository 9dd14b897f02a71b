import type { IncomingMessage } from 'node:http'
import { addressKeys, addressTakes, clientAddress, type TrustedProxies } from '../quota/address.ts'
import type { Buckets } from '../quota/port.ts'
import { isLocal, judgeAccess } from './access.ts'

export type Reply = { status: number; headers: Readonly<Record<string, string>>; body: string }
/** `buckets` are of this process alone: metrics are wanted most when the store is down. */
export type EndpointParts = {
  token: string | undefined
  trustedProxies: TrustedProxies
  buckets: Buckets
  contentType: string
  text(): Promise<string>
}

const RULE = { name: 'metrics', burst: 20, perMinute: 60 }
const WORDS = { 401: 'A bearer token is needed', 403: 'For this machine alone', 429: 'Too many requests' }

/** Answers GET /metrics to those who may read it; each address may ask so often, whatever it is told. */
export function metricsEndpoint(parts: EndpointParts): (request: IncomingMessage) => Promise<Reply> {
  let pending: Promise<string> | undefined
  const shared = () => (pending ??= parts.text().finally(() => (pending = undefined)))
  return async ({ socket, headers }) => {
    const caller = { peer: socket.remoteAddress, headers }
    const taken = await parts.buckets.take(addressTakes(RULE, keysOf(caller, parts.trustedProxies)))
    if (!taken.ok) return refusal(429, { 'retry-after': String(Math.ceil(taken.retryAfterMs / 1000)) })
    const access = judgeAccess(caller, parts.token)
    if (!access.ok) return refusal(access.status, access.status === 401 ? { 'www-authenticate': 'Bearer' } : {})
    return { status: 200, headers: { 'content-type': parts.contentType }, body: await shared() }
  }
}

/** This machine has a bucket that no stranger behind a proxy can empty. */
function keysOf(caller: Parameters<typeof isLocal>[0], trusted: TrustedProxies) {
  if (isLocal(caller)) return [{ key: 'local', scale: 1 }]
  return addressKeys(clientAddress(caller.peer, caller.headers['x-forwarded-for']?.toString(), trusted))
}

const refusal = (status: keyof typeof WORDS, headers: Record<string, string>): Reply => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
  body: `${WORDS[status]}\n`,
})
