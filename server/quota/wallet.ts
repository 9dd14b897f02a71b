import type { Clock, Random } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Caps, DayWindow, LedgerStore, ReserveOrder, Settlement } from './ledger.ts'
import type { Hold, Outcome, Reservation, ReserveRequest, Wallet, WalletCause } from './port.ts'
import type { Prices } from './prices.ts'
import { costNano } from './prices.ts'
import { windows } from './windows.ts'

/** `sharePerAddress` is the part of a day, in (0, 1], that one address key may hold or have spent. */
export type WalletOptions = {
  store: LedgerStore
  prices: Prices
  budgetPerDay: number
  budgetPerMonth: number
  timeZone: string
  sharePerAddress: number
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
// Beyond any context window or output limit: such a number is a fault of the report, not a cost.
const ABSURD_TOKENS = 10_000_000

/** The wallet over a ledger. Throws RangeError on budgets, a share or a time zone that can't be meant. */
export function createWallet(options: WalletOptions): Wallet {
  const { store, prices, clock, log } = options
  const caps = capsOf(options)
  const windowAt = windows(options.timeZone)
  const guard = storeGuard(log)
  const jumped = jumpWatch(clock)

  async function order(request: ReserveRequest, nano: number): Promise<Reservation> {
    const window = windowAt(clock.now())
    const id = options.random.token(16)
    const { day, month, daysLeft } = window
    const wanted: ReserveOrder = {
      id,
      owner: options.bootId,
      addressKey: request.addressKey,
      nano,
      caps,
      day,
      month,
      daysLeft,
    }
    const called = await guard(() => store.reserve(wanted))
    if (!called) return { ok: false, cause: 'store' }
    const answer = called.value
    if (answer.ok) return { ok: true, hold: openHold(id, request.maxOutputTokens, { store, prices, log, guard }) }
    const retryAfterMs = answer.soon ? HOLDS_TURN_MS : waitOf(answer.cause, window.endsAt - clock.now())
    return { ok: false, cause: answer.cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  }

  return {
    async reserve(request) {
      if (jumped.yes()) {
        log.error('wallet_halted', { cause: 'clock' })
        if (await guard(() => store.halt('clock'))) jumped.told()
        return { ok: false, cause: 'halted' }
      }
      const promptTokens = promptBound(request)
      if (promptTokens === undefined || promptTokens > (prices.maxPromptTokens ?? ABSURD_TOKENS)) {
        return { ok: false, cause: 'too_large' }
      }
      return order(request, costNano(prices, promptTokens, request.maxOutputTokens))
    },
    async state() {
      const window: DayWindow = windowAt(clock.now())
      const seen = await guard(() => store.snapshot(window, caps))
      if (!seen) return undefined
      const { day, spent, capNano, halted } = seen.value
      return { day, spentNano: spent.spent, heldNano: spent.held, capNano, halted: halted !== undefined }
    },
  }
}

type HoldParts = { store: LedgerStore; prices: Prices; log: Log; guard: Guard }

function openHold(id: string, maxOutputTokens: number, { store, prices, log, guard }: HoldParts): Hold {
  return {
    id,
    async tighten(promptTokens) {
      if (!isTokenCount(promptTokens) || promptTokens === 0) return
      await guard(() => store.tighten(id, costNano(prices, promptTokens, maxOutputTokens)))
    },
    async settle(outcome) {
      const settlement = settlementOf(outcome, maxOutputTokens, prices, log)
      const called = await guard(() => store.settle(id, settlement))
      if (!called) return
      const { known, halted, excessNano } = called.value
      if (!known) log.error('hold_unknown', { hold: id })
      if (halted) log.error('budget_overrun', { hold: id, excessNano, outputTokens: settlement.outputTokens })
    },
  }
}

const UNKNOWN: Settlement = { nano: undefined, outputTokens: 0, overrun: false }

function settlementOf(outcome: Outcome, maxOutputTokens: number, prices: Prices, log: Log): Settlement {
  if (outcome.kind === 'free') return { nano: 0, outputTokens: 0, overrun: false }
  if (outcome.kind === 'unknown') return UNKNOWN
  const { promptTokens, outputTokens } = outcome.usage
  if (isTokenCount(promptTokens) && isTokenCount(outputTokens) && promptTokens > 0) {
    const nano = costNano(prices, promptTokens, outputTokens)
    return { nano, outputTokens, overrun: outputTokens > maxOutputTokens }
  }
  log.warn('usage_absurd', { promptTokens, outputTokens })
  return UNKNOWN
}

/** No tokenizer makes more tokens than bytes. Undefined when the numbers are none. */
function promptBound({ promptBytes, messages, maxOutputTokens }: ReserveRequest): number | undefined {
  if (![promptBytes, messages, maxOutputTokens].every(isTokenCount) || messages < 1 || maxOutputTokens < 1)
    return undefined
  return promptBytes + TOKENS_PER_MESSAGE * messages
}

const isTokenCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0 && count <= ABSURD_TOKENS

function waitOf(cause: WalletCause, untilTomorrow: number): number | undefined {
  return cause === 'day' || cause === 'share' ? Math.max(1, Math.ceil(untilTomorrow)) : undefined
}

function capsOf({ budgetPerDay, budgetPerMonth, sharePerAddress }: WalletOptions): Caps {
  const toNano = (name: string, amount: number): number => {
    if (!(amount > 0 && amount <= LARGEST_BUDGET)) throw new RangeError(`${name}: ${amount}`)
    return Math.round(amount * NANO)
  }
  if (!(sharePerAddress > 0 && sharePerAddress <= 1)) throw new RangeError(`sharePerAddress: ${sharePerAddress}`)
  const [dayNano, monthNano] = [toNano('budgetPerDay', budgetPerDay), toNano('budgetPerMonth', budgetPerMonth)]
  return { dayNano, monthNano, share: sharePerAddress }
}

/** Whether the wall clock left the monotonic one by more than five minutes since the last look, until it was told. */
function jumpWatch(clock: Clock): { yes(): boolean; told(): void } {
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

/** Undefined instead of a rejection. */
type Guard = <T>(call: () => Promise<T>) => Promise<{ value: T } | undefined>

/** Turns a store's rejections into `undefined`, and logs when trouble begins and when it ends, not in between. */
function storeGuard(log: Log): Guard {
  let working = true
  return async (call) => {
    try {
      const value = await call()
      if (!working) log.info('store_back')
      working = true
      return { value }
    } catch (cause) {
      if (working) log.error('store_trouble', { code: codeOf(cause) })
      working = false
      return undefined
    }
  }
}

const codeOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return 'unknown'
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}
