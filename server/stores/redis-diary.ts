import type { DiaryStore } from '../diary.ts'
import { DIARY_DAYS } from '../diary.ts'
import type { RedisParts } from './redis-ledger.ts'
import { pairs } from './redis-replies.ts'
import { scripts } from './redis-scripts.ts'

const KEPT_S = DIARY_DAYS * 86_400

/** The diary in Redis: a hash for each day, which expires. */
export function redisDiary({ redis, front }: Pick<RedisParts, 'redis' | 'front'>): DiaryStore {
  const keyOf = (day: string): string => `${front}diary:${day}`
  return {
    async add(day, counts) {
      await redis.run(scripts.count, [keyOf(day)], KEPT_S, ...Object.entries(counts).flat())
    },
    read: async (day) =>
      Object.fromEntries(pairs(await redis.call('HGETALL', keyOf(day))).map(([name, n]) => [name, Number(n)])),
  }
}
