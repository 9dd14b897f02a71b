import type { Log } from '../log.ts'
import type { LedgerStore, Settlement } from './ledger.ts'
import type { Hold, Outcome } from './port.ts'
import type { Prices } from './prices.ts'
import { costNano } from './prices.ts'
import type { Guard } from './store-guard.ts'

/** `settle` keeps trying for a while when the store is out of order. */
export type HoldParts = {
  store: LedgerStore
  prices: Prices
  log: Log
  guard: Guard
  settle(id: string, settlement: Settlement): Promise<void>
}

// Beyond any context window or output limit: such a number is a fault of the report, not a cost.
export const ABSURD_TOKENS = 10_000_000

export const FREE: Settlement = { nano: 0, outputTokens: 0, overrun: false }
const UNKNOWN: Settlement = { nano: undefined, outputTokens: 0, overrun: false }

export function openHold(id: string, maxOutputTokens: number, parts: HoldParts): Hold {
  const { store, prices, log, guard } = parts
  let settled = false
  return {
    id,
    async tighten(promptTokens) {
      if (!isTokenCount(promptTokens) || promptTokens === 0) return
      await guard(() => store.tighten(id, costNano(prices, promptTokens, maxOutputTokens)))
    },
    async settle(outcome) {
      // The first outcome counts, also while it waits for a store in trouble.
      if (settled) return
      settled = true
      await parts.settle(id, settlementOf(outcome, maxOutputTokens, prices, log))
    },
  }
}

function settlementOf(outcome: Outcome, maxOutputTokens: number, prices: Prices, log: Log): Settlement {
  if (outcome.kind === 'free') return FREE
  if (outcome.kind === 'unknown') return UNKNOWN
  const { promptTokens, outputTokens } = outcome.usage
  if (isTokenCount(promptTokens) && isTokenCount(outputTokens) && promptTokens > 0) {
    const nano = costNano(prices, promptTokens, outputTokens)
    return { nano, outputTokens, overrun: outputTokens > maxOutputTokens }
  }
  log.warn('usage_absurd', { promptTokens, outputTokens })
  return UNKNOWN
}

export const isTokenCount = (count: number): boolean =>
  Number.isSafeInteger(count) && count >= 0 && count <= ABSURD_TOKENS
