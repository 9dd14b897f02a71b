import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { BeatAnswer, Caps, DayWindow, LedgerStore, Rush, Seen, Settlement } from './ledger.ts'
import type { Guard } from './store-guard.ts'

export type LifeParts = {
  store: LedgerStore
  clock: Clock
  log: Log
  guard: Guard
  owner: string
  caps: Caps
  windowNow(): DayWindow
}

type Late = { settlement: Settlement; quiet: boolean; tries: number }

const BEAT_MS = 20_000
const LATE_TRIES = 180
const LATE_KEPT = 1000
const QUIET_KEPT = 100
const CLOCK_JUMP_MS = 300_000

/** What a wallet does beside the questions: shows that it lives, and settles what could not be settled. */
export class Life {
  readonly #parts: LifeParts
  readonly #late = new Map<string, Late>()
  #open = 0
  #cap: { day: string; nano: number } | undefined
  #rush: Rush | undefined
  #begun = false
  #closed = false
  #settling: Promise<void> | undefined
  #cancel: (() => void) | undefined

  constructor(parts: LifeParts) {
    this.#parts = parts
  }

  /** The day's cap, asked of the store when it isn't known; undefined: the store is out of order. */
  async capOf(day: string): Promise<number | undefined> {
    // A later day than the asked one goes on while a clock is behind.
    const known = this.#begun && this.#cap !== undefined && this.#cap.day >= day
    return known || (await this.#beat()) ? this.#cap?.nano : undefined
  }

  rush(): { since: number } | undefined {
    const rush = this.#rush
    return rush && this.#parts.clock.now() < rush.until ? { since: rush.since } : undefined
  }

  /** What an answer of the ledger told. */
  saw(seen: Seen): void {
    this.#cap = { day: seen.day, nano: seen.capNano }
    this.#rush = seen.rush
  }

  opened(): void {
    this.#open += 1
    this.#keepBeating()
    // The store works again: what it refused need not wait for the next beat.
    if (this.#late.size > 0) this.#settling ??= this.#settleLate().finally(() => (this.#settling = undefined))
  }

  /** Settles now, or keeps trying for an hour. `quiet`: the hold may never have been booked. */
  async settle(id: string, settlement: Settlement, quiet = false): Promise<void> {
    if (!quiet) this.#open -= 1
    const each = { settlement, quiet, tries: 1 }
    if (await this.#settled(id, each)) return
    // While the store is down every question asks for one of these; they must not push out what was really spent.
    if (quiet && this.#late.size >= QUIET_KEPT) return
    if (this.#late.size >= LATE_KEPT) return this.#parts.log.error('settle_given_up', { hold: id })
    this.#late.set(id, each)
    this.#keepBeating()
  }

  /** Tells the store what it doesn't know yet. What is open then is settled by nobody, and shows as lost. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#settling
    await this.#settleLate()
    await this.#beat()
  }

  async #beat(): Promise<boolean> {
    const { clock, owner, caps, guard, store, windowNow } = this.#parts
    const at = clock.now()
    const called = await guard(() => store.beat({ owner, at, window: windowNow(), caps }))
    if (!called) return false
    this.saw(called.value)
    this.#begun ||= await this.#checkedClock(called.value, at)
    return this.#begun
  }

  /** A clock behind what any process ever told would open days again that are closed. */
  async #checkedClock({ lastAt }: BeatAnswer, at: number): Promise<boolean> {
    const { guard, log, store } = this.#parts
    if (lastAt - at <= CLOCK_JUMP_MS) return true
    log.error('wallet_halted', { cause: 'clock' })
    return (await guard(() => store.halt('clock'))) !== undefined
  }

  #keepBeating(): void {
    if (!this.#closed) this.#cancel ??= this.#parts.clock.after(BEAT_MS, () => void this.#tick())
  }

  async #tick(): Promise<void> {
    this.#cancel = undefined
    await this.#settleLate()
    await this.#beat()
    if (this.#open > 0 || this.#late.size > 0) this.#keepBeating()
  }

  async #settleLate(): Promise<void> {
    for (const [id, each] of [...this.#late]) {
      if (!this.#late.has(id)) continue
      each.tries += 1
      const settled = await this.#settled(id, each)
      if (!settled && each.tries < LATE_TRIES) return
      this.#late.delete(id)
      if (!settled) this.#parts.log.error('settle_given_up', { hold: id })
    }
  }

  async #settled(id: string, { settlement, quiet }: Late): Promise<boolean> {
    const { guard, log, store } = this.#parts
    const called = await guard(() => store.settle(id, settlement))
    if (!called) return false
    const { known, halted, excessNano } = called.value
    if (!known && !quiet) log.error('hold_unknown', { hold: id })
    if (halted) log.error('budget_overrun', { hold: id, excessNano, outputTokens: settlement.outputTokens })
    return true
  }
}
