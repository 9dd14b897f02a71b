import { MOST_QUESTIONS, type QuestionStore } from '../chat/ports.ts'
import type { RedisParts } from './redis-ledger.ts'
import { list, text } from './redis-replies.ts'
import { scripts } from './redis-scripts.ts'

type Field = { name: string; at: number; expiresAt: number; owner: string }

/** Questions for the report in one hash of Redis; its fields are `at expiry owner`. */
export function redisQuestions({ redis, front, now }: Omit<RedisParts, 'hide'>): QuestionStore {
  const key = `${front}questions`
  const fields = async (): Promise<Field[]> => list(await redis.call('HKEYS', key)).map((name) => fieldOf(text(name)))
  const drop = async (gone: (field: Field) => boolean): Promise<void> => {
    const names = (await fields()).filter(gone).map(({ name }) => name)
    if (names.length > 0) await redis.call('HDEL', key, ...names)
  }
  return {
    async keep({ owner, at, expiresAt, blob }) {
      await redis.run(scripts.keep, [key], MOST_QUESTIONS, `${at} ${expiresAt} ${owner}`, Buffer.from(blob))
    },
    async between(from, to) {
      const found = (await fields()).filter(({ at, expiresAt }) => at >= from && at < to && expiresAt > now())
      const blobs = await Promise.all(
        found.sort((a, b) => a.at - b.at).map(({ name }) => redis.callBuffer('HGET', key, name)),
      )
      return blobs.flatMap((blob) => (Buffer.isBuffer(blob) ? Uint8Array.from(blob) : []))
    },
    erase: (owner) => drop((field) => field.owner === owner),
    sweep: (at) => drop(({ expiresAt }) => expiresAt <= at),
  }
}

function fieldOf(name: string): Field {
  const [at, expiresAt, owner = ''] = name.split(' ')
  return { name, at: Number(at), expiresAt: Number(expiresAt), owner }
}
