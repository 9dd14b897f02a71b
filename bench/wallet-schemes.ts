import Database from 'libsql'
import { RateLimiterRes, RateLimiterSQLite } from 'rate-limiter-flexible'
import type { Outcome, Reservation, ReserveRequest, Wallet } from '../server/quota/port.ts'
import { costNano } from '../server/quota/prices.ts'
import { shortWindows } from '../server/quota/short-days.ts'
import { TOKENS_PER_MESSAGE, type WalletOptions } from '../server/quota/wallet.ts'

/** How money is watched: ours, or one of two usual ways, both on rate-limiter-flexible's SQLite counter. */
export const schemes = ['ours', 'after-the-fact', 'consume + reward'] as const
export type Scheme = (typeof schemes)[number]

/** The counter of the day, in nano-currency; `file` may be shared by several processes. */
function counterOf(file: string, { budgetPerDay, daySeconds = 86_400 }: WalletOptions) {
  const db = new Database(file, { timeout: 5000 })
  db.exec('PRAGMA journal_mode=WAL')
  db.exec('CREATE TABLE IF NOT EXISTS budget (key TEXT PRIMARY KEY, points INTEGER NOT NULL DEFAULT 0, expire INTEGER)')
  const points = Math.round(budgetPerDay * 1e9)
  const limiter = new RateLimiterSQLite({
    storeClient: db,
    storeType: 'better-sqlite3',
    tableName: 'budget',
    tableCreated: true,
    points,
    duration: daySeconds,
  })
  const windowAt = shortWindows(daySeconds)
  // The window ends with the day, so that what is measured per day is what the counter means.
  const untilMidnight = (now: number) => ({ customDuration: (windowAt(now).endsAt - now) / 1000 })
  return { limiter, points, untilMidnight }
}

/** Looks at what has been booked, lets the question pass, and books what it cost when the bill is known. */
export function afterTheFact(file: string, options: WalletOptions): Wallet {
  const { limiter, points, untilMidnight } = counterOf(file, options)
  return walletOf(options, async () => {
    const booked = await limiter.get('budget')
    if (booked && booked.consumedPoints >= points) return undefined
    return async (outcome) => {
      const cost = costOf(options, outcome)
      if (cost !== undefined) await limiter.penalty('budget', cost, untilMidnight(options.clock.now()))
    }
  })
}

/** Consumes the worst case and gives back what wasn't needed. */
export function consumeAndReward(file: string, options: WalletOptions): Wallet {
  const { limiter, untilMidnight } = counterOf(file, options)
  return walletOf(options, async (request) => {
    const worst = costNano(
      options.prices,
      request.promptBytes + TOKENS_PER_MESSAGE * request.messages,
      request.maxOutputTokens,
    )
    try {
      await limiter.consume('budget', worst, untilMidnight(options.clock.now()))
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return undefined
      throw refused
    }
    return async (outcome) => {
      const cost = costOf(options, outcome)
      if (cost !== undefined) await limiter.reward('budget', worst - cost, untilMidnight(options.clock.now()))
    }
  })
}

type Book = (outcome: Outcome) => Promise<void>

/** `admit` gives what books the outcome, or undefined: no. */
function walletOf(options: WalletOptions, admit: (request: ReserveRequest) => Promise<Book | undefined>): Wallet {
  return {
    async reserve(request): Promise<Reservation> {
      const book = await admit(request)
      if (!book) return { ok: false, cause: 'day' }
      return { ok: true, hold: { id: options.random.token(16), tighten: async () => {}, settle: book } }
    },
    state: async () => undefined,
    rush: () => undefined,
    close: async () => {},
  }
}

function costOf({ prices }: WalletOptions, outcome: Outcome): number | undefined {
  if (outcome.kind === 'free') return 0
  return outcome.kind === 'usage' ? costNano(prices, outcome.usage.promptTokens, outcome.usage.outputTokens) : undefined
}
