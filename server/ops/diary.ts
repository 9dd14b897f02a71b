import type { Clock } from '../clock.ts'
import type { DiaryStore } from '../diary.ts'
import type { Meter, MeteredQuestion } from '../meter.ts'
import type { Window } from '../quota/windows.ts'
import { elapsedOf } from '../quota/windows.ts'
import { stepOf } from './diary-times.ts'

/** Counts what the meter tells, for the store's diary of each day. */
export type Diary = {
  readonly meter: Meter
  /** Tells the store what it doesn't know yet; never rejects. */
  close(): Promise<void>
}
export type DiaryParts = { store: DiaryStore; clock: Clock; windowAt(now: number): Window }

const FLUSH_MS = 20_000
// Causes and kinds come from lists of ours; this only keeps a mistake from filling the store.
const MOST_NAMES = 500
const MOST_AT_ONCE = 1e9
// What a store in trouble for days doesn't take is let go of.
const MOST_DAYS = 3

/** A count is an addition in memory; the store hears of them every 20 s. */
export function createDiary({ store, clock, windowAt }: DiaryParts): Diary {
  const days = new Map<string, Map<string, number>>()
  let cancel: (() => void) | undefined
  const addTo = (day: string, name: string, n: number) => {
    // Tokens are what the upstream says they are.
    if (!Number.isSafeInteger(n) || n < 1 || n > MOST_AT_ONCE) return
    const counts = days.get(day) ?? new Map<string, number>()
    if (!days.has(day) && days.size >= MOST_DAYS) return
    days.set(day, counts)
    const known = counts.has(name) || counts.size < MOST_NAMES ? name : 'other'
    counts.set(known, (counts.get(known) ?? 0) + n)
  }
  const flush = async () => {
    cancel?.()
    cancel = undefined
    const told = [...days]
    days.clear()
    for (const [day, counts] of told) {
      await store.add(day, Object.fromEntries(counts)).catch(() => {
        for (const [name, n] of counts) addTo(day, name, n)
      })
    }
  }
  const tick = () => {
    cancel = undefined
    void flush().then(() => {
      if (days.size > 0) cancel ??= clock.after(FLUSH_MS, tick)
    })
  }
  const count = (name: string, n = 1) => {
    addTo(windowAt(clock.now()).day, name, n)
    cancel ??= clock.after(FLUSH_MS, tick)
  }
  const hourNow = () => {
    const now = clock.now()
    return Math.min(23, Math.floor(elapsedOf(windowAt(now), now) * 24))
  }
  return { meter: meterOn(count, hourNow), close: flush }
}

type Count = (name: string, n?: number) => void

function meterOn(count: Count, hourNow: () => number): Meter {
  return {
    connectionOpened: () => count('connections'),
    connectionClosed: () => {},
    greeted: (resumed) => count(resumed ? 'returns' : 'visits'),
    upgradeRefused: ({ cause }) => count(`upgrade:${cause}`),
    messageRefused: (code) => count(`message:${code}`),
    questionEnded(question) {
      count(`asked@${hourNow()}`)
      countQuestion(count, question)
    },
    textGap: () => {},
    attemptEnded({ result, usage }) {
      count('calls')
      if (result !== 'answered' && result !== 'left') count(`failure:${result}`)
      if (usage) count('tokens:prompt', usage.promptTokens)
      if (usage) count('tokens:output', usage.outputTokens)
    },
    storeCalled(_operation, _ms, ok) {
      if (!ok) count('store_failures')
    },
    proof: (step) => count(`proof:${step}`),
  }
}

function countQuestion(count: Count, { outcome, source, cause, firstTextMs, totalMs }: MeteredQuestion): void {
  if (source === undefined) return count(`refused:${cause ?? outcome}`)
  count(`answered:${source}`)
  count(`ended:${outcome}`)
  if (source === 'knowledge') return count(`instead:${cause ?? outcome}`)
  if (firstTextMs === undefined) return
  count(`first:${stepOf(firstTextMs)}`)
  if (totalMs !== undefined) count(`whole:${stepOf(totalMs)}`)
}
