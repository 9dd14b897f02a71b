import type { Log } from '../../server/log.ts'
import { silentLog } from '../../server/log.ts'
import type { Hold, Reservation } from '../../server/quota/port.ts'
import type { WalletOptions } from '../../server/quota/wallet.ts'
import { createWallet, TOKENS_PER_MESSAGE } from '../../server/quota/wallet.ts'
import { memoryStore } from '../../server/stores/memory.ts'
import { manualClock } from './manual-clock.ts'

// One nano per prompt token and ten per output token.
export const PRICES = { inputNanoPerMillion: 1_000_000, outputNanoPerMillion: 10_000_000 }
export const REQUEST = {
  addressKey: 'a',
  promptBytes: 1000 - TOKENS_PER_MESSAGE,
  messages: 1,
  maxOutputTokens: 100,
  since: undefined,
}
export const WORST = 2000
export const NANO = 1e-9
export const usage = (promptTokens: number, outputTokens: number) => {
  return { kind: 'usage', usage: { promptTokens, outputTokens } } as const
}

/** A wallet on a memory store, and what it logs. */
export function bench(more: Partial<WalletOptions> = {}) {
  const clock = manualClock(Date.UTC(2026, 0, 15, 10))
  const { ledger } = memoryStore(clock)
  const lines: string[] = []
  const log: Log = { ...silentLog, info: note, warn: note, error: note }
  function note(event: string, fields = {}): void {
    lines.push(
      [event, ...Object.values(fields).filter((value) => typeof value === 'string' && value.length < 10)].join(' '),
    )
  }
  let ids = 0
  const random = { float: () => 0.5, token: () => `hold-${++ids}-long` }
  const budget = {
    budgetPerDay: 10_000 * NANO,
    budgetPerMonth: 1_000_000 * NANO,
    sharePerAddress: 1,
    pacing: false,
    timeZone: 'Europe/Paris',
  }
  const wallet = createWallet({ store: ledger, prices: PRICES, ...budget, clock, random, log, bootId: 'boot', ...more })
  const state = async () => {
    const seen = await wallet.state()
    return seen && [seen.day, seen.spentNano, seen.heldNano, seen.capNano, seen.halted]
  }
  return { clock, ledger, lines, wallet, state }
}

export function held(reservation: Reservation): Hold {
  if (!reservation.ok) throw new Error(`refused: ${reservation.cause}`)
  return reservation.hold
}
