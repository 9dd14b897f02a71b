import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { LinkEnd, Peers } from '../chat/ports.ts'
import { newPeerId } from './hide.ts'
import type { RedisAddress } from './redis-address.ts'
import { COMING_BACK, type RedisConnection } from './redis-connection.ts'

export type RedisPeersParts = { address: RedisAddress; redis: RedisConnection; front: string; self: string }

/** One side of a link: whom it speaks to, and how many messages went each way. */
type Side = { peer: string; end: LinkEnd; sent: number; heard: number }
type Kind = 'open' | 'say' | 'ping' | 'close'
type Envelope = { link: string; from: string; seq: number; kind: Kind; body: string }

const BEAT_MS = 3000
const ALIVE_MS = 10_000
// Redis forgets a subscriber that loses its connection, and hears of him again within a second or two.
const PATIENCE_MS = 3000
const RETRY_MS = 250

/**
 * The processes on one Redis: each listens on a channel of its own. Redis says how many heard a message, so a peer that is
 * gone is known at the next one. Channels may lose messages: links count them, and one that misses any ends.
 */
export function redisPeers({ address, redis, front, self }: RedisPeersParts): Peers & { close(): Promise<void> } {
  const links = new Map<string, Side>()
  const channel = (peer: string) => `${front}peer:${peer}`
  const alive = (peer: string) => `${front}alive:${peer}`
  let subscriber: Redis | undefined
  let beating: NodeJS.Timeout | undefined

  const lose = (link: string) => {
    const side = links.get(link)
    if (links.delete(link)) side?.end.closed()
  }
  const publish = async (peer: string, envelope: Omit<Envelope, 'from'>): Promise<boolean> => {
    const { link, seq, kind, body } = envelope
    const message = JSON.stringify([link, self, seq, kind, body])
    return (await redis.raw('PUBLISH', channel(peer), message).catch(() => 0)) !== 0
  }
  const post = (link: string, kind: Kind, body = '') => {
    const side = links.get(link)
    if (!side) return
    void publish(side.peer, { link, seq: side.sent++, kind, body }).then((heard) => heard || lose(link))
  }
  const linkOf = (link: string) => ({
    send: (message: Uint8Array) => post(link, 'say', Buffer.from(message).toString('base64')),
    close() {
      post(link, 'close')
      lose(link)
    },
  })
  const hear = ({ link, from, seq, kind, body }: Envelope) => {
    const side = links.get(link)
    if (!side || seq !== side.heard++) {
      if (kind !== 'close') void publish(from, { link, seq: side?.sent ?? 0, kind: 'close', body: '' })
      return lose(link)
    }
    if (kind === 'say') side.end.message(Buffer.from(body, 'base64'))
    if (kind === 'close') lose(link)
  }
  const beat = () => {
    void redis.raw('SET', alive(self), 1, 'PX', ALIVE_MS).catch(() => undefined)
    for (const link of links.keys()) post(link, 'ping')
    // Only who asks learns that nobody answers.
    if (subscriber?.status === 'ready') void subscriber.ping().catch(() => undefined)
  }
  /** Whether `peer` was there a moment ago. */
  const lived = async (peer: string) => (await redis.call('EXISTS', alive(peer))) === 1

  return {
    async connect(peer, key, end) {
      for (let waited = 0; ; waited += RETRY_MS) {
        const link = newPeerId()
        links.set(link, { peer, end, sent: 1, heard: 0 })
        if (await publish(peer, { link, seq: 0, kind: 'open', body: key })) return linkOf(link)
        links.delete(link)
        if (waited >= PATIENCE_MS || !(await lived(peer))) return undefined
        await pause(RETRY_MS)
      }
    },
    async serve(accept) {
      subscriber = address.client({ ...COMING_BACK, lazyConnect: true })
      subscriber.on('error', () => undefined)
      // What was said meanwhile is lost.
      subscriber.on('close', () => {
        for (const link of [...links.keys()]) lose(link)
      })
      subscriber.on('message', (_, text: string) => {
        const envelope = envelopeOf(text)
        if (!envelope) return
        const { link, from, kind, body } = envelope
        if (kind !== 'open' || links.has(link)) return hear(envelope)
        const side: Side = { peer: from, end: { message: () => undefined, closed: () => undefined }, sent: 0, heard: 1 }
        links.set(link, side)
        side.end = accept(body, linkOf(link))
      })
      await subscriber.subscribe(channel(self))
      await redis.raw('SET', alive(self), 1, 'PX', ALIVE_MS)
      beating = setInterval(beat, BEAT_MS).unref()
    },
    async close() {
      clearInterval(beating)
      for (const link of [...links.keys()]) linkOf(link).close()
      subscriber?.disconnect()
      if (subscriber) await redis.raw('DEL', alive(self)).catch(() => undefined)
    },
  }
}

const kinds: readonly Kind[] = ['open', 'say', 'ping', 'close']

/** Only our own processes write there; what isn't theirs is no message. */
function envelopeOf(text: string): Envelope | undefined {
  const parts = fromJson(text)
  if (!Array.isArray(parts)) return undefined
  const [link, from, seq, given, body]: unknown[] = parts
  const kind = kinds.find((each) => each === given)
  if (typeof link !== 'string' || typeof from !== 'string' || typeof seq !== 'number') return undefined
  return kind && typeof body === 'string' ? { link, from, seq, kind, body } : undefined
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
