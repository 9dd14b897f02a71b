import type {
  Caps,
  DayBook,
  DayWindow,
  LedgerCause,
  LedgerStore,
  OpenHold,
  Report,
  Reserved,
  ScopeRow,
  Snapshot,
} from '../quota/ledger.ts'
import {
  assertNano,
  assertSettlement,
  dayBookOf,
  dayKey,
  daysBefore,
  hourKey,
  RUSH_LOOKBACK_MS,
  RUSH_MS,
  sharePrefix,
} from '../quota/ledger.ts'
import type { LedgerParts } from '../quota/ledger-report.ts'
import { addressesOf, hideScopes, hoursOf, isLost, parseEvent } from '../quota/ledger-report.ts'
import type { RedisConnection } from './redis-connection.ts'
import { list, pairs, rowOf, rushOf, text, whole } from './redis-replies.ts'
import { scripts } from './redis-scripts.ts'

/** `front` begins every key of ours. */
export type RedisParts = LedgerParts & { redis: RedisConnection; front: string }

const SHOWN_EVENTS = 100
const CAUSES: readonly LedgerCause[] = ['day', 'month', 'too_large', 'halted', 'pace', 'share', 'newcomers']

/** `confirming`: where what must outlive a failover waits for the replicas; all else on that connection waits with it. */
type RedisLedgerParts = RedisParts & { confirming: RedisConnection }

/** The ledger in Redis: each call is one script, but for the report, which reads bit by bit. */
export function redisLedger({ redis, confirming, front, now, hide }: RedisLedgerParts): LedgerStore {
  const keys = [`${front}facts`]
  return {
    async reserve(order) {
      assertNano(order.nano)
      const scopes = hideScopes(order.scopes, hide)
      const times = { rushMs: RUSH_MS, rushLookbackMs: RUSH_LOOKBACK_MS }
      return reservedOf(await confirming.runConfirmed(scripts.reserve, keys, json({ ...order, scopes, ...times })))
    },
    async tighten(id, nano) {
      assertNano(nano)
      await redis.run(scripts.tighten, keys, id, nano)
    },
    async settle(id, settlement) {
      assertSettlement(settlement)
      const { nano = '', outputTokens, overrun } = settlement
      const args = [id, nano, outputTokens, overrun ? 1 : 0, now()]
      const [known, excess, halted] = list(await redis.run(scripts.settle, keys, ...args))
      return { known: known === 1, excessNano: whole(excess), halted: halted === 1 }
    },
    async snapshot(window, caps) {
      return (await seen(window, caps)).snapshot
    },
    report: async (window, caps) => report(await seen(window, caps)),
    day: dayOf,
    holds: openHolds,
    async beat(beat) {
      const [day, cap, since, until, last] = list(await redis.run(scripts.beat, keys, json(beat)))
      return { day: text(day), capNano: whole(cap), rush: rushOf(since, until), lastAt: whole(last) }
    },
    async raise(day, nano) {
      assertNano(nano)
      await redis.run(scripts.raise, keys, day, nano, now())
    },
    halt: async (cause) => void (await confirming.runConfirmed(scripts.halt, keys, cause, now())),
    resume: async (window) => void (await redis.run(scripts.resume, keys, window ? json(window) : '', now())),
  }

  async function seen({ day, month, daysLeft }: DayWindow, caps: Caps): Promise<Seen> {
    const asked = { day, month, daysLeft, caps, at: now() }
    const reply = list(await redis.run(scripts.snapshot, keys, json(asked)))
    const [today, cap, spent, ofMonth, halt, raised, since, until] = reply
    const halted = halt === '' ? undefined : text(halt)
    const snapshot = { day: text(today), spent: rowOf(spent), capNano: whole(cap), month: rowOf(ofMonth), halted }
    return { snapshot, raisedNano: whole(raised), rush: rushOf(since, until) }
  }

  async function row(key: string): Promise<ScopeRow> {
    return rowOf(await redis.call('HMGET', `${front}row:${key}`, 'spent', 'held', 'requests', 'output'))
  }

  function hourRows(day: string): Promise<ScopeRow[]> {
    return Promise.all(Array.from({ length: 24 }, (_, hour) => row(hourKey(day, hour))))
  }

  async function dayOf(window: DayWindow, caps: Caps): Promise<DayBook> {
    const { day } = window
    const hours = await hourRows(day)
    return dayBookOf(window, caps, {
      sums: await row(dayKey(day)),
      before: await Promise.all(daysBefore(window).map((each) => row(dayKey(each)))),
      raisedNano: whole((await redis.call('HGET', `${front}facts`, `raised:${day}`)) ?? 0),
      hours: hoursOf((hour) => hours[hour]),
    })
  }

  async function report({ snapshot, ...rest }: Seen): Promise<Report> {
    const { day } = snapshot
    const hours = await hourRows(day)
    const addresses = `${sharePrefix}${day}:address:`
    const shares = list(await redis.call('SMEMBERS', `${front}shares:${day}`)).map(text)
    const rows = await Promise.all(
      shares.filter((key) => key.startsWith(addresses)).map(async (key) => [key, await row(key)] as const),
    )
    const events = list(await redis.call('LRANGE', `${front}events`, -SHOWN_EVENTS, -1))
    return {
      ...snapshot,
      ...rest,
      hours: hoursOf((hour) => hours[hour]),
      addresses: addressesOf(rows, addresses),
      holds: await openHolds(),
      events: events.flatMap((event) => parseEvent(text(event)) ?? []),
    }
  }

  async function openHolds(): Promise<OpenHold[]> {
    const owners = new Map(pairs(await redis.call('HGETALL', `${front}owners`)))
    const ids = list(await redis.call('SMEMBERS', `${front}open`)).map(text)
    const holds = await Promise.all(
      ids.map(async (id) => {
        const [owner, day, nano] = list(await redis.call('HMGET', `${front}hold:${id}`, 'owner', 'day', 'nano'))
        if (typeof owner === 'string')
          return { id, owner, day: text(day), nano: whole(nano), lost: isLost(owners.get(owner), now()) }
        // Its day is long over: the sums keep it.
        await redis.call('SREM', `${front}open`, id)
        return undefined
      }),
    )
    return holds.flatMap((hold) => hold ?? [])
  }
}

type Seen = Pick<Report, 'raisedNano' | 'rush'> & { snapshot: Snapshot }

function reservedOf(reply: unknown): Reserved {
  const [ok, cause, soon, wanted, day, cap, since, until] = list(reply)
  const told = { day: text(day), capNano: whole(cap), rush: rushOf(since, until) }
  if (ok === 1) return { ok: true, ...told }
  const known = CAUSES.find((each) => each === cause) ?? 'halted'
  return { ok: false, cause: known, soon: soon === 1, wantedNano: whole(wanted), ...told }
}

const json = (value: unknown): string => JSON.stringify(value)
