import type { Outcome, ReserveRequest, Wallet, WalletCause } from '../../server/quota/port.ts'

/** One hold as it went; a second settle of the real ledger changes nothing, so only the first counts. */
export type HoldRecord = { request: ReserveRequest; tightened: number[]; outcomes: Outcome[] }
export type RecordingWallet = Wallet & {
  readonly holds: readonly HoldRecord[]
  /** Why the next reserves are refused; undefined: they are not. */
  refusal: { cause: WalletCause; retryAfterMs?: number } | undefined
  /** Whether each hold survives; undefined: that is known at once. */
  safe: Promise<boolean> | undefined
  /** What each call waits for. */
  pace: () => Promise<void>
}

/** A wallet without money: it notes who reserved and how it was settled. */
export function recordingWallet(): RecordingWallet {
  const holds: HoldRecord[] = []
  const wallet: RecordingWallet = {
    holds,
    refusal: undefined,
    safe: undefined,
    pace: () => Promise.resolve(),
    async reserve(request) {
      await wallet.pace()
      if (wallet.refusal) return { ok: false, ...wallet.refusal }
      const record: HoldRecord = { request, tightened: [], outcomes: [] }
      holds.push(record)
      return {
        ok: true,
        ...(wallet.safe && { safe: wallet.safe }),
        hold: {
          id: `hold-${holds.length}`,
          async tighten(promptTokens) {
            record.tightened.push(promptTokens)
          },
          async settle(outcome) {
            await wallet.pace()
            record.outcomes.push(outcome)
          },
        },
      }
    },
    state: async () => undefined,
    rush: () => undefined,
    close: async () => undefined,
  }
  return wallet
}
