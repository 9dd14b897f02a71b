import type { ConversationStore } from '../chat/ports.ts'
import { StoreError } from './port.ts'
import { scripts } from './redis-conversation-scripts.ts'
import type { RedisParts } from './redis-ledger.ts'
import { list, text, whole } from './redis-replies.ts'

/** Conversations in Redis: one hash each, of turns by number, `expires` and `owner`, and a set of all by expiry. */
export function redisConversations(parts: Omit<RedisParts, 'hide'> & { self: string }): ConversationStore {
  const { redis, front, now, self } = parts
  const chat = (key: string): string => `${front}chat:${key}`
  const all = `${front}chats`
  return {
    async load(key, gone = '') {
      // Taken before it is read: from then on nobody else writes.
      const [owner, fields] = await Promise.all([
        redis.run(scripts.takeSession, [chat(key)], now(), self, gone),
        redis.callBuffer('HGETALL', chat(key)),
      ])
      if (owner === '') return undefined
      return owner === self ? { at: 'here', blobs: turnsOf(list(fields)) } : { at: 'elsewhere', owner: text(owner) }
    },
    async put(key, n, blob, expiresAt) {
      const args = [now(), key, n, Buffer.from(blob), expiresAt, self]
      return (await redis.run(scripts.putTurn, [chat(key), all], ...args)) === 1
    },
    async trim(key, n) {
      await redis.run(scripts.trimTurns, [chat(key)], n)
    },
    async erase(key) {
      if ((await redis.run(scripts.eraseSession, [chat(key), all], self, key)) !== 1)
        throw new StoreError('elsewhere', 'another process has the session')
    },
    leave: async (key) => void (await redis.run(scripts.leaveSession, [chat(key)], self)),
    sweep: async (at) => whole(await redis.run(scripts.sweep, [all], at, chat(''))),
  }
}

/** The turns among the names and values of a hash, in order. */
function turnsOf(fields: readonly unknown[]): Uint8Array[] {
  const turns: { n: number; blob: Buffer }[] = []
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [name, blob] = [fields[index], fields[index + 1]]
    if (Buffer.isBuffer(name) && Buffer.isBuffer(blob) && /^\d+$/.test(name.toString()))
      turns.push({ n: whole(name.toString()), blob })
  }
  return turns.sort((a, b) => a.n - b.n).map(({ blob }) => Uint8Array.from(blob))
}
