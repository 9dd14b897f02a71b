import type { Clock, Random } from '../clock.ts'
import type { Log } from '../log.ts'
import type { FairRequest } from './fairness.ts'
import { fairCaps, fairScopes } from './fairness.ts'
import type { HoldParts } from './hold.ts'
import { ABSURD_TOKENS, FREE, isTokenCount, openHold } from './hold.ts'
import type { Caps, LedgerStore, Reserved } from './ledger.ts'
import { Life } from './life.ts'
import type { Reservation, ReserveRequest, Wallet, WalletState } from './port.ts'
import type { Prices } from './prices.ts'
import { costNano } from './prices.ts'
import { shortWindows } from './short-days.ts'
import type { Guard } from './store-guard.ts'
import { storeGuard } from './store-guard.ts'
import type { Window } from './windows.ts'
import { elapsedOf, windows } from './windows.ts'

/**
 * `sharePerAddress` is the part of a day, in (0, 1], that one address key may hold or have spent. `pacing` (default on)
 * releases the day bit by bit. `daySeconds` makes days that short, for measurements.
 */
export type WalletOptions = {
  store: LedgerStore
  prices: Prices
  budgetPerDay: number
  budgetPerMonth: number
  timeZone: string
  sharePerAddress: number
  pacing?: boolean
  daySeconds?: number | undefined
  clock: Clock
  random: Random
  log: Log
  bootId: string
}

/** Tokens added to the bytes of each message for what surrounds it; real turns take four or five. */
export const TOKENS_PER_MESSAGE = 16

const NANO = 1_000_000_000
const LARGEST_BUDGET = 1_000_000
const HOLDS_TURN_MS = 10_000
const CLOCK_JUMP_MS = 300_000

/** The wallet over a ledger. Throws RangeError on budgets, a share or a time zone that can't be meant. */
export const createWallet = (options: WalletOptions): Wallet => new LedgerWallet(options)

class LedgerWallet implements Wallet {
  readonly #options: WalletOptions
  readonly #caps: Caps
  readonly #windowNow: () => Window
  readonly #guard: Guard
  readonly #life: Life
  readonly #jumped: JumpWatch
  readonly #holds: HoldParts

  constructor(options: WalletOptions) {
    const { store, prices, clock, log, daySeconds, timeZone, bootId } = options
    const windowAt = daySeconds === undefined ? windows(timeZone) : shortWindows(daySeconds)
    this.#options = options
    this.#caps = capsOf(options)
    this.#windowNow = () => windowAt(clock.now())
    this.#guard = storeGuard(log)
    this.#jumped = jumpWatch(clock)
    const shared = { store, log, guard: this.#guard }
    const life = new Life({ ...shared, clock, owner: bootId, caps: this.#caps, windowNow: this.#windowNow })
    this.#life = life
    this.#holds = { ...shared, prices, settle: (id, settlement) => life.settle(id, settlement) }
  }

  async state(): Promise<WalletState | undefined> {
    const seen = await this.#guard(() => this.#options.store.snapshot(this.#windowNow(), this.#caps))
    if (!seen) return undefined
    const { day, spent, capNano, halted } = seen.value
    return { day, spentNano: spent.spent, heldNano: spent.held, capNano, halted: halted !== undefined }
  }

  rush(): { since: number } | undefined {
    return this.#life.rush()
  }

  close(): Promise<void> {
    return this.#life.close()
  }

  async reserve(request: ReserveRequest): Promise<Reservation> {
    const { store, prices, log } = this.#options
    if (this.#jumped.yes()) {
      log.error('wallet_halted', { cause: 'clock' })
      if (await this.#guard(() => store.halt('clock'))) this.#jumped.told()
      return { ok: false, cause: 'halted' }
    }
    const promptTokens = promptBound(request)
    if (promptTokens === undefined || promptTokens > (prices.maxPromptTokens ?? ABSURD_TOKENS)) {
      return { ok: false, cause: 'too_large' }
    }
    return this.#order(request, costNano(prices, promptTokens, request.maxOutputTokens))
  }

  async #order(request: ReserveRequest, nano: number): Promise<Reservation> {
    const window = this.#windowNow()
    const dayCapNano = await this.#life.capOf(window.day)
    if (dayCapNano === undefined) return { ok: false, cause: 'store' }
    const { store, clock, random, bootId } = this.#options
    const at = clock.now()
    const fair = this.#fairRequest(request, dayCapNano, elapsedOf(window, at))
    const id = random.token(16)
    const { day, month, daysLeft } = window
    const hour = Math.min(23, Math.floor(fair.elapsed * 24))
    const scopes = fairScopes(fair, request.addressKey, request.networks)
    const order = { id, owner: bootId, nano, caps: this.#caps, scopes, at, hour, day, month, daysLeft }
    const called = await this.#guard(() => store.reserve(order))
    if (!called) {
      // It may have been booked all the same, and nothing was sent.
      void this.#life.settle(id, FREE, true)
      return { ok: false, cause: 'store' }
    }
    this.#life.saw(called.value)
    if (!called.value.ok) return refusal(called.value, window, fair, at)
    this.#life.opened()
    const hold = openHold(id, request.maxOutputTokens, this.#holds)
    const { durable } = called.value
    if (!durable) return { ok: true, hold }
    return { ok: true, hold, safe: this.#guard(() => durable).then((synced) => synced !== undefined) }
  }

  #fairRequest({ since }: ReserveRequest, dayCapNano: number, elapsed: number): FairRequest {
    const { sharePerAddress, pacing = true } = this.#options
    const rush = this.#life.rush()
    const established = since !== undefined && (!rush || since < rush.since)
    return { elapsed, dayCapNano, share: sharePerAddress, pacing, established }
  }
}

function refusal(refused: Reserved & { ok: false }, window: Window, fair: FairRequest, now: number): Reservation {
  const { cause, soon } = refused
  const retryAfterMs = soon ? HOLDS_TURN_MS : waitOf(refused, window, fair, now)
  return { ok: false, cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

/** No tokenizer makes more tokens than bytes. Undefined when the numbers are none. */
function promptBound({ promptBytes, messages, maxOutputTokens }: ReserveRequest): number | undefined {
  if (![promptBytes, messages, maxOutputTokens].every(isTokenCount) || messages < 1 || maxOutputTokens < 1)
    return undefined
  return promptBytes + TOKENS_PER_MESSAGE * messages
}

/** Until tomorrow, or until enough of the day is released. Undefined: waiting doesn't help. */
function waitOf(refused: Reserved & { ok: false }, window: Window, fair: FairRequest, now: number): number | undefined {
  const { cause, wantedNano } = refused
  const untilTomorrow = Math.max(1, Math.ceil(window.endsAt - now))
  if (cause === 'day' || cause === 'share') return untilTomorrow
  if (cause !== 'pace' && cause !== 'newcomers') return undefined
  const cap = cause === 'newcomers' && fair.established ? 'establishedNano' : 'newcomersNano'
  const fits = (ms: number) => fairCaps({ ...fair, elapsed: elapsedOf(window, now + ms) })[cap] >= wantedNano
  let [early, late] = [0, untilTomorrow]
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2)
    if (fits(middle)) late = middle
    else early = middle
  }
  return late
}

function capsOf({ budgetPerDay, budgetPerMonth, sharePerAddress }: WalletOptions): Caps {
  const toNano = (name: string, amount: number): number => {
    if (!(amount > 0 && amount <= LARGEST_BUDGET)) throw new RangeError(`${name}: ${amount}`)
    return Math.round(amount * NANO)
  }
  if (!(sharePerAddress > 0 && sharePerAddress <= 1)) throw new RangeError(`sharePerAddress: ${sharePerAddress}`)
  return { dayNano: toNano('budgetPerDay', budgetPerDay), monthNano: toNano('budgetPerMonth', budgetPerMonth) }
}

type JumpWatch = { yes(): boolean; told(): void }

/** Whether the wall clock left the monotonic one by more than five minutes since the last look, until it was told. */
function jumpWatch(clock: Clock): JumpWatch {
  let offset = clock.now() - clock.monotonic()
  let jumped = false
  return {
    yes() {
      const before = offset
      offset = clock.now() - clock.monotonic()
      jumped ||= Math.abs(offset - before) > CLOCK_JUMP_MS
      return jumped
    },
    told() {
      jumped = false
    },
  }
}
