import type { Weight } from './house.ts'

/** A process after so many minutes; `life`: which of them, for a restart begins anew. */
export type Weighed = Weight & { life: number }
export type Scale = {
  put(weighed: Weighed): string
  grew(): boolean
  verdict(): string
}

/** The first minutes of a process, while conversations and caches fill. */
const WARMING = 2
const PART = 1.15
const ROOM_BYTES = 8 << 20
/** Connections to the upstream and the store, and those that are just closing. */
const ROOM_FILES = 100

/** Holds each minute of a process against its first ones. Files are counted beside the visitors' connections. */
export function createScale(): Scale {
  const lives = new Map<number, Weighed[]>()
  let growing = 0
  let judged = 0
  const others = ({ descriptors, connections }: Weight) => descriptors - connections
  return {
    put(weighed) {
      const minutes = lives.get(weighed.life) ?? []
      lives.set(weighed.life, [...minutes, weighed])
      const base = minutes[WARMING - 1]
      if (!base) return 'warming'
      judged++
      const flat =
        weighed.heap <= base.heap * PART + ROOM_BYTES &&
        weighed.rss <= base.rss * PART + ROOM_BYTES &&
        others(weighed) <= others(base) + ROOM_FILES
      if (!flat) growing++
      return flat ? 'flat' : 'GROWING'
    },
    grew: () => growing > 0,
    verdict: () => (judged === 0 ? 'too short to say' : `${judged - growing} of ${judged} minutes flat`),
  }
}
