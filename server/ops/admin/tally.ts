import type { AdminFigures } from '../../../protocol/admin.ts'
import type { Clock } from '../../clock.ts'
import type { Meter } from '../../meter.ts'
import { refusalReason } from '../budget-words.ts'
import { createRate, type Rate } from '../rate.ts'
import { refusalOf } from '../refusals.ts'
import { createRecent } from './recent.ts'

type Refusal = AdminFigures['refusals'][number]
type Failure = AdminFigures['failures'][number]

/** What the meter told, as a status page shows it: rates of the last minute, times of the last minutes, last failures. */
export type Tally = {
  readonly meter: Meter
  /** Questions and refusals of the last minute. */
  rates(): { questions: number; refused: number }
  /** In ms, of the last five minutes; null: there was none. */
  firstText(): { p50: number | null; p95: number | null }
  figures(): Omit<AdminFigures, 'now' | 'process'>
}

const FIRST_TEXT = { kept: 500, forMs: 5 * 60_000 }
const STORE = { kept: 500, forMs: 60_000 }
const KEPT_FAILURES = 20
const MOST_CAUSES = 64

export function createTally(clock: Clock): Tally {
  const questions = createRate(clock)
  const refused = createRate(clock)
  const calls = createRate(clock)
  const failed = createRate(clock)
  const storeFailed = createRate(clock)
  const firstText = createRecent(clock, FIRST_TEXT)
  const storeTimes = createRecent(clock, STORE)
  const refusals = createRefusals(clock)
  const failures: Failure[] = []
  const fail = (of: Failure['of'], kind: string) => {
    const last = failures[0]
    // One storm is one line.
    if (last?.of === of && last.kind === kind) failures[0] = { ...last, at: clock.now(), count: last.count + 1 }
    else failures.unshift({ of, kind, at: clock.now(), count: 1 })
    failures.length = Math.min(failures.length, KEPT_FAILURES)
  }
  const refuse = (name: string) => {
    const refusal = refusalOf(name, 1)
    if (!refusal) return
    refused.count()
    refusals.count(refusalReason(refusal))
  }
  const meter: Meter = {
    connectionOpened() {},
    connectionClosed() {},
    greeted() {},
    textGap() {},
    proof() {},
    upgradeRefused: ({ cause }) => refuse(`upgrade:${cause}`),
    messageRefused: (code) => refuse(`message:${code}`),
    questionEnded({ source, cause, outcome, firstTextMs }) {
      questions.count()
      if (source === undefined) refuse(`refused:${cause ?? outcome}`)
      else if (source === 'knowledge') refuse(`instead:${cause ?? outcome}`)
      // What the shop's files say is there at once, and would hide how slow the model is.
      else if (firstTextMs !== undefined) firstText.add(firstTextMs)
    },
    attemptEnded({ result }) {
      calls.count()
      if (result === 'answered' || result === 'left' || result === 'aborted') return
      failed.count()
      fail('model', result)
    },
    storeCalled(operation, ms, ok) {
      storeTimes.add(ms)
      if (ok) return
      storeFailed.count()
      fail('store', operation)
    },
  }
  return {
    meter,
    rates: () => ({ questions: questions.perMinute(), refused: refused.perMinute() }),
    firstText: () => ({ p50: firstText.percentile(50), p95: firstText.percentile(95) }),
    figures: () => ({
      model: { calls: calls.perMinute(), failed: failed.perMinute() },
      store: { p95: storeTimes.percentile(95), failed: storeFailed.perMinute() },
      refusals: refusals.list(),
      failures: [...failures],
    }),
  }
}

function createRefusals(clock: Clock) {
  const rows = new Map<string, { sinceStart: number; rate: Rate }>()
  return {
    count(told: string) {
      const why = rows.has(told) || rows.size < MOST_CAUSES ? told : 'other'
      const row = rows.get(why) ?? { sinceStart: 0, rate: createRate(clock) }
      row.sinceStart++
      row.rate.count()
      rows.set(why, row)
    },
    list: (): Refusal[] =>
      [...rows]
        .map(([why, { sinceStart, rate }]) => ({ why, sinceStart, lastMinute: rate.perMinute() }))
        .sort((a, b) => b.lastMinute - a.lastMinute || b.sinceStart - a.sinceStart),
  }
}
