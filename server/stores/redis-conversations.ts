import type { ConversationStore } from '../chat/ports.ts'
import type { RedisParts } from './redis-ledger.ts'
import { list, whole } from './redis-replies.ts'
import { scripts } from './redis-scripts.ts'

/** Conversations in Redis: one hash each, of turns by number and `expires`, and a set of all by expiry. */
export function redisConversations({ redis, front, now }: Omit<RedisParts, 'hide'>): ConversationStore {
  const chat = (key: string): string => `${front}chat:${key}`
  const all = `${front}chats`
  return {
    async load(key) {
      const fields = list(await redis.callBuffer('HGETALL', chat(key)))
      const turns: { n: number; blob: Buffer }[] = []
      let expires = 0
      for (let index = 0; index + 1 < fields.length; index += 2) {
        const [name, value] = [fields[index], fields[index + 1]]
        if (!Buffer.isBuffer(name) || !Buffer.isBuffer(value)) continue
        if (name.toString() === 'expires') expires = whole(value.toString())
        else turns.push({ n: whole(name.toString()), blob: value })
      }
      if (expires <= now()) return undefined
      return turns.sort((a, b) => a.n - b.n).map(({ blob }) => Uint8Array.from(blob))
    },
    async put(key, n, blob, expiresAt) {
      await redis.run(scripts.putTurn, [chat(key), all], now(), key, n, Buffer.from(blob), expiresAt)
    },
    async trim(key, n) {
      await redis.run(scripts.trimTurns, [chat(key)], n)
    },
    async erase(key) {
      await redis.call('DEL', chat(key))
      await redis.call('ZREM', all, key)
    },
    sweep: async (at) => whole(await redis.run(scripts.sweep, [all], at, chat(''))),
  }
}
