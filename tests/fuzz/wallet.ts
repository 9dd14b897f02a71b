import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { silentLog } from '../../server/log.ts'
import type { LedgerStore } from '../../server/quota/ledger.ts'
import type { Hold, Wallet } from '../../server/quota/port.ts'
import { createWallet } from '../../server/quota/wallet.ts'
import { openStore } from '../../server/stores/open.ts'
import type { StoreBench } from '../contract/stores.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { type Target, target } from './target.ts'

// One nano per prompt token and ten per output token.
const PRICES = { inputNanoPerMillion: 1_000_000, outputNanoPerMillion: 10_000_000 }
const DAY_NANO = 20_000
const MONTH_NANO = 90_000
const HOUR_MS = 3_600_000

/** `before`: the store fails and does nothing; `after`: it does it, and its answer is lost. */
type Fault = 'before' | 'after'
type Op =
  | { kind: 'ask'; bytes: number; output: number; address: number; known: boolean }
  | { kind: 'tighten' | 'unknown' | 'free' | 'usage' | 'twice'; pick: number }
  | { kind: 'wait'; hours: number }
  | { kind: 'back'; hours: number }
  | { kind: 'fault'; fault: Fault; calls: number }
  | { kind: 'crash' | 'resume' | 'accept' }

const ask = fc.record({
  kind: fc.constant('ask' as const),
  bytes: fc.integer({ min: 1, max: 3000 }),
  output: fc.integer({ min: 1, max: 200 }),
  address: fc.nat(3),
  known: fc.boolean(),
})
const onHold = fc.record({
  kind: fc.constantFrom('tighten' as const, 'unknown' as const, 'free' as const, 'usage' as const, 'twice' as const),
  pick: fc.nat(),
})
const fault = fc.record({
  kind: fc.constant('fault' as const),
  fault: fc.constantFrom<Fault>('before', 'after'),
  calls: fc.integer({ min: 1, max: 3 }),
})
const op: fc.Arbitrary<Op> = fc.oneof(
  { arbitrary: ask, weight: 24 },
  { arbitrary: onHold, weight: 10 },
  { arbitrary: fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 40 }) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('back' as const), hours: fc.integer({ min: 1, max: 50 }) }), weight: 1 },
  { arbitrary: fault, weight: 1 },
  { arbitrary: fc.constantFrom<Op>({ kind: 'crash' }, { kind: 'resume' }, { kind: 'accept' }), weight: 5 },
)

/** What the upstream bills for one call, to the day that the ledger booked it on. `nano`: at most, until it is told. */
type Call = { hold: Hold; day: string; prompt: number; output: number; nano: number; open: boolean }

class World {
  readonly calls: Call[] = []
  readonly days = new Map<string, string>()
  wallet!: Wallet
  ledger!: LedgerStore
  faults: Fault[] = []
  refused = 0
  private boots = 0

  constructor(
    readonly bench: StoreBench,
    /** Fairness admits so little that it would hide a day's cap that doesn't hold: half of the runs go without. */
    readonly fair: boolean,
  ) {}

  /** Another process on the same data; what the one before held is nobody's. */
  async boot(): Promise<void> {
    this.ledger = (await this.bench.open()).ledger
    for (const call of this.calls) call.open = false
    let ids = 0
    // Two of one name would settle each other's holds.
    const boot = `boot-${++this.boots}`
    this.wallet = createWallet({
      store: this.faulty(this.ledger),
      prices: PRICES,
      budgetPerDay: DAY_NANO / 1e9,
      budgetPerMonth: MONTH_NANO / 1e9,
      sharePerAddress: this.fair ? 0.5 : 1,
      pacing: this.fair,
      timeZone: 'Europe/Paris',
      clock: this.bench.clock,
      random: { float: () => 0.5, token: () => `${boot}-${++ids}-${this.calls.length}` },
      log: silentLog,
      bootId: boot,
    })
  }

  private faulty(ledger: LedgerStore): LedgerStore {
    const pass = async <T>(run: () => Promise<T>): Promise<T> => {
      const fault = this.faults.shift()
      if (fault === 'before') throw new Error('the store is out of order')
      const answer = await run()
      if (fault === 'after') throw new Error('the answer was lost')
      return answer
    }
    return {
      ...ledger,
      reserve: (order) =>
        pass(async () => {
          const reserved = await ledger.reserve(order)
          if (reserved.ok) this.days.set(order.id, reserved.day)
          return reserved
        }),
      tighten: (id, nano) => pass(() => ledger.tighten(id, nano)),
      settle: (id, settlement) => pass(() => ledger.settle(id, settlement)),
      beat: (beat) => pass(() => ledger.beat(beat)),
    }
  }

  async play(each: Op): Promise<void> {
    const { clock } = this.bench
    if (each.kind === 'ask') await this.ask(each)
    else if ('pick' in each) await this.onHold(each.kind, each.pick)
    else if (each.kind === 'wait') clock.advance(each.hours * HOUR_MS)
    else if (each.kind === 'back') clock.jump(-each.hours * HOUR_MS)
    else if (each.kind === 'fault') this.faults = Array.from({ length: each.calls }, () => each.fault)
    else if (each.kind === 'crash') await this.boot()
    else await this.ledger.resume(each.kind === 'accept' ? today(clock.now()) : undefined)
  }

  private async ask({ bytes, output, address, known }: Op & { kind: 'ask' }): Promise<void> {
    const since = known ? this.bench.clock.now() - HOUR_MS : undefined
    const request = { addressKey: String(address), promptBytes: bytes, messages: 2, maxOutputTokens: 200, since }
    const reserved = await this.wallet.reserve(request)
    if (!reserved.ok) {
      if (['day', 'month', 'share', 'pace', 'newcomers'].includes(reserved.cause)) this.refused += 1
      return
    }
    // The request leaves: the upstream bills what it made, whatever becomes of us.
    const prompt = Math.ceil(bytes / 3)
    const day = this.days.get(reserved.hold.id) ?? ''
    this.calls.push({ hold: reserved.hold, day, prompt, output, nano: prompt + 10 * output, open: true })
  }

  private async onHold(kind: string, pick: number): Promise<void> {
    const open = this.calls.filter((call) => call.open)
    const call = open[pick % Math.max(1, open.length)]
    if (!call) return
    const { hold, prompt, output } = call
    const usage = { kind: 'usage', usage: { promptTokens: prompt, outputTokens: output } } as const
    if (kind === 'tighten') return hold.tighten(prompt)
    call.open = false
    if (kind === 'free') {
      call.nano = 0
      return hold.settle({ kind: 'free' })
    }
    await hold.settle(kind === 'unknown' ? { kind: 'unknown' } : usage)
    if (kind === 'twice') await hold.settle({ kind: 'free' })
  }

  async assertInvariant(): Promise<void> {
    const sums = new Map<string, number>()
    for (const { day, nano } of this.calls) {
      for (const key of [day, day.slice(0, 7)]) sums.set(key, (sums.get(key) ?? 0) + nano)
    }
    for (const [key, sum] of sums) {
      assert.ok(sum <= (key.length === 7 ? MONTH_NANO : DAY_NANO), `the upstream billed ${sum} for ${key}`)
    }
    for (const day of new Set([...this.days.values()])) {
      const caps = { dayNano: DAY_NANO, monthNano: MONTH_NANO }
      const seen = await this.ledger.snapshot({ day, month: day.slice(0, 7), daysLeft: 1 }, caps)
      const [booked, ofMonth] = [seen.spent.spent + seen.spent.held, seen.month.spent + seen.month.held]
      assert.ok(booked <= DAY_NANO, `${booked} are booked on ${seen.day}`)
      assert.ok(ofMonth <= MONTH_NANO, `${ofMonth} are booked in its month`)
      assert.ok(seen.spent.held >= 0 && seen.month.held >= 0, 'never less than nothing is held')
      assert.ok(booked >= (sums.get(seen.day) ?? 0), 'the books know of all that was billed')
    }
  }
}

const today = (now: number) => {
  const day = new Date(now).toISOString().slice(0, 10)
  return { day, month: day.slice(0, 7), daysLeft: 1 }
}

/** Half of the days are fair; each is a random order of what may happen to a wallet. */
export const walletDay = fc.tuple(fc.boolean(), fc.array(op, { minLength: 60, maxLength: 120, size: 'max' }))

/** Plays a day on a store; the books must hold after each step. Returns what was admitted and refused. */
export async function playDay(
  bench: StoreBench,
  [fair, ops]: [boolean, Op[]],
): Promise<{ asked: number; refused: number }> {
  const world = new World(bench, fair)
  await world.boot()
  for (const each of ops) {
    await world.play(each)
    await world.assertInvariant()
  }
  return { asked: world.calls.length, refused: world.refused }
}

async function inMemory(): Promise<StoreBench> {
  const clock = manualClock()
  const store = await openStore('memory:', { clock, log: silentLog })
  return { clock, url: 'memory:', open: async () => store }
}

export const walletTargets: Target[] = [
  target(
    {
      name: 'wallet',
      title: 'memory: spent + held <= cap, and the upstream bills no more, whatever comes',
      short: 100,
      weight: 0.1,
    },
    walletDay,
    async (day) => void (await playDay(await inMemory(), day)),
  ),
]
