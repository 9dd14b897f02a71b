import type { Clock } from '../server/clock.ts'
import { silentLog } from '../server/log.ts'
import type { LedgerStore } from '../server/quota/ledger.ts'
import type { BucketTake, Hold, Wallet } from '../server/quota/port.ts'
import { costNano, type Prices, pricesOf } from '../server/quota/prices.ts'
import { createWallet } from '../server/quota/wallet.ts'
import { memoryStore } from '../server/stores/memory.ts'
import { type ManualClock, manualClock } from '../tests/helpers/manual-clock.ts'
import { Agenda } from './fairness-agenda.ts'
import { type Person, type Priced, seeded } from './fairness-people.ts'

export const HOUR_MS = 3_600_000
/** Midnight in Paris, with more than half of the month left. */
export const MIDNIGHT = Date.UTC(2026, 0, 14, 23)
const MODEL = 'gemini-3.5-flash-lite'
const BUDGET_PER_DAY = 1
const PROMPT_KNOWN_MS = 1000
const ANSWER_MS = 5000
const STREAMS_PER_ADDRESS = 4
const CONNECTION = { name: 'connection', burst: 4, perMinute: 10 }
const ADDRESS = { name: 'address', burst: 10, perMinute: 20 }

export type Asked = { ok: true } | { ok: false; cause: string; retryAfterMs: number | undefined }
export type Shop = {
  agenda: Agenda
  random: () => number
  now(): number
  /** Whether there is a rush, and `who` came with it. */
  newcomer(who: Person): boolean
  ask(who: Person, question: Priced): Promise<Asked>
  /** Calls those who wait when an answer has ended, which may have made room, and just before a visitor asks. */
  onRoom(listener: () => Promise<void>): void
  roomCall(): Promise<void>
  /** Lets the day go by. */
  run(until: number): Promise<void>
  /** What upstream billed, by its own count, and the budget; nano-currency. */
  books(): { billedNano: number; budgetNano: number }
}

/**
 * The real wallet and buckets with the default settings, before an upstream that bills each question when it is sent.
 * Without `rules` only the day's and the month's budget bound it.
 */
export function openShop(seed: number, rules: boolean): Shop {
  const [clock, random] = [manualClock(MIDNIGHT), seeded(seed)]
  const { buckets, ledger } = memoryStore(clock)
  const prices = pricesOfModel()
  const wallet = openWallet({ store: ledger, prices, clock, float: random, rules })
  const agenda = new Agenda()
  const listeners: (() => Promise<void>)[] = []
  const roomCall = () => callAll(listeners)
  let billedNano = 0

  function answer(who: Person, { promptTokens, outputTokens }: Priced, hold: Hold): void {
    const nano = costNano(prices, promptTokens, outputTokens)
    billedNano += nano
    who.served += 1
    who.spentNano += nano
    who.since ??= clock.now()
    who.open += 1
    agenda.add(clock.now() + PROMPT_KNOWN_MS, () => hold.tighten(promptTokens))
    agenda.add(clock.now() + ANSWER_MS, async () => {
      await hold.settle({ kind: 'usage', usage: { promptTokens, outputTokens } })
      who.open -= 1
      await roomCall()
    })
  }

  async function ask(who: Person, question: Priced): Promise<Asked> {
    if (who.open >= STREAMS_PER_ADDRESS) return { ok: false, cause: 'streams', retryAfterMs: ANSWER_MS }
    const taken = await buckets.take(takesOf(who))
    if (!taken.ok) return { ok: false, cause: 'bucket', retryAfterMs: taken.retryAfterMs }
    const { promptBytes, messages, maxOutputTokens } = question
    const { address: addressKey, since } = who
    const reserved = await wallet.reserve({ addressKey, since, promptBytes, messages, maxOutputTokens })
    if (!reserved.ok) return { ok: false, cause: reserved.cause, retryAfterMs: reserved.retryAfterMs }
    answer(who, question, reserved.hold)
    return { ok: true }
  }

  return {
    agenda,
    random,
    now: () => clock.now(),
    newcomer: ({ since }) => isNewcomer(since, wallet.rush()),
    ask,
    onRoom: (listener) => void listeners.push(listener),
    roomCall,
    run: (until) => runDay(clock, agenda, until),
    books: () => ({ billedNano, budgetNano: BUDGET_PER_DAY * 1e9 }),
  }
}

type WalletParts = { store: LedgerStore; prices: Prices; clock: Clock; float: () => number; rules: boolean }

function openWallet({ store, prices, clock, float, rules }: WalletParts): Wallet {
  let ids = 0
  return createWallet({
    store,
    prices,
    budgetPerDay: BUDGET_PER_DAY,
    budgetPerMonth: 20,
    timeZone: 'Europe/Paris',
    sharePerAddress: rules ? 0.05 : 1,
    pacing: rules,
    clock,
    random: { float, token: () => `hold-${++ids}` },
    log: silentLog,
    bootId: 'simulation',
  })
}

async function callAll(listeners: readonly (() => Promise<void>)[]): Promise<void> {
  for (const listener of listeners) await listener()
}

async function runDay(clock: ManualClock, agenda: Agenda, until: number): Promise<void> {
  for (let next = agenda.take(); next && next.at <= until; next = agenda.take()) {
    clock.advance(next.at - clock.now())
    await next.run()
  }
}

function pricesOfModel(): Prices {
  const priced = pricesOf(MODEL)
  if (!priced.ok) throw new Error(priced.reason)
  return priced.prices
}

const isNewcomer = (since: number | undefined, rush: { since: number } | undefined): boolean =>
  rush !== undefined && (since === undefined || since >= rush.since)

const takesOf = ({ address }: Person): BucketTake[] => [
  { rule: CONNECTION, key: address },
  { rule: ADDRESS, key: address },
]
