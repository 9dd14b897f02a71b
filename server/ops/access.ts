import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isTrustedPeer, parseTrustedProxies } from '../quota/address.ts'

/** What is known of who asks: the peer's address (undefined over a Unix socket) and the headers as they came. */
export type Caller = { peer: string | undefined; headers: IncomingHttpHeaders }
export type Access = { ok: true } | { ok: false; status: 401 | 403 }

const loopback = parseTrustedProxies(['loopback'])
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i
const FORWARDED =
  /^(x-forwarded.*|x-original-.*|forwarded|via|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|cf-connecting-ip|fastly-client-ip|x-envoy-external-address)$/

/** For what is the admin's: from this machine, or with the bearer token. A wrong token is refused also from here. */
export function judgeAccess(caller: Caller, token: string | undefined): Access {
  const { authorization } = caller.headers
  if (authorization === undefined ? isLocal(caller) : isBearer(authorization, token)) return { ok: true }
  return { ok: false, status: token === undefined ? 403 : 401 }
}

/**
 * Whether it comes from this machine, and from nobody beyond: no proxy says that it speaks for somebody, and the name
 * asked for is this machine's (a strange one may have been made to point here by a page in the admin's browser).
 */
export function isLocal({ peer, headers }: Caller): boolean {
  if (peer === undefined || !loopback.ok || !isTrustedPeer(peer, loopback.trusted)) return false
  return LOOPBACK_HOST.test(headers.host ?? '') && !Object.keys(headers).some((name) => FORWARDED.test(name))
}

export function isBearer(authorization: string, token: string | undefined): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
  return token !== undefined && given !== undefined && isToken(given, token)
}

/** Compared by hash: the time it takes tells neither the token nor its length. */
export const isToken = (given: string, token: string): boolean => timingSafeEqual(hash(given), hash(token))

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
