import type { IncomingMessage } from 'node:http'
import { addressKeys, addressTakes, clientAddress, type TrustedProxies } from '../../quota/address.ts'
import type { Buckets, Taken } from '../../quota/port.ts'
import { isLocal, isToken } from '../access.ts'

/** `buckets` are of this process alone: the page is wanted most when the store is down. */
export type DoorParts = { token: string; trustedProxies: TrustedProxies; buckets: Buckets }
/** What one address may do. */
export type Caller = {
  key: string
  /** One more connection; none while its tries at the token are used up. */
  connect(): Promise<Taken>
  /** One try at the token, which costs the same whether it is right or wrong. */
  show(token: string): Promise<Shown>
}
/** `retryAfterMs`: until the next try is heard, when that was the last one for now. */
export type Shown = { ok: true } | { ok: false; code: 'wrong_token' | 'rate_limited'; retryAfterMs?: number }

const CONNECT = { name: 'admin_connect', burst: 20, perMinute: 60 }
const TOKEN = { name: 'admin_token', burst: 10, perMinute: 10 }

/** Who may see the status page: whoever has the token, from anywhere, and nobody without it, not even this machine. */
export function createDoor({ token, trustedProxies, buckets }: DoorParts): (request: IncomingMessage) => Caller {
  return ({ socket, headers }) => {
    const peer = socket.remoteAddress
    const forwarded = headers['x-forwarded-for']?.toString()
    // This machine has buckets that no stranger behind a proxy can empty.
    const local = isLocal({ peer, headers })
    const [first, ...wider] = addressKeys(clientAddress(peer, forwarded, trustedProxies))
    const keys = local ? [{ key: 'local', scale: 1 }] : [first, ...wider]
    return {
      key: local ? 'local' : first.key,
      async connect() {
        const tries = await buckets.peek(addressTakes(TOKEN, keys))
        return tries.ok ? buckets.take(addressTakes(CONNECT, keys)) : tries
      },
      async show(given) {
        const taken = await buckets.take(addressTakes(TOKEN, keys))
        if (!taken.ok) return { ok: false, code: 'rate_limited', retryAfterMs: Math.ceil(taken.retryAfterMs) }
        if (isToken(given, token)) return { ok: true }
        const next = await buckets.peek(addressTakes(TOKEN, keys))
        return { ok: false, code: 'wrong_token', ...(!next.ok && { retryAfterMs: Math.ceil(next.retryAfterMs) }) }
      },
    }
  }
}
