import type { ConversationStore } from '../chat/ports.ts'
import type { Clock } from '../clock.ts'
import type { Meter } from '../meter.ts'
import type { LedgerStore } from '../quota/ledger.ts'
import type { Buckets, ProofOfWork } from '../quota/port.ts'

type Rooms = { buckets: Buckets; ledger: LedgerStore; conversations: ConversationStore }

/** The same rooms of a store; each call tells the meter how long it took and whether it was rejected. */
export function meteredStore(
  { buckets, ledger, conversations }: Rooms,
  clock: Clock,
  meter: Pick<Meter, 'storeCalled'>,
): Rooms {
  const timed =
    <Given extends unknown[], T>(operation: string, call: (...given: Given) => Promise<T>) =>
    async (...given: Given): Promise<T> => {
      const start = clock.monotonic()
      let ok = false
      try {
        const value = await call(...given)
        ok = true
        return value
      } finally {
        meter.storeCalled(operation, clock.monotonic() - start, ok)
      }
    }
  return {
    buckets: {
      take: timed('bucket_take', (takes) => buckets.take(takes)),
      peek: timed('bucket_peek', (takes) => buckets.peek(takes)),
    },
    ledger: {
      ...ledger,
      reserve: timed('ledger_reserve', (order) => ledger.reserve(order)),
      tighten: timed('ledger_tighten', (id, nano) => ledger.tighten(id, nano)),
      settle: timed('ledger_settle', (id, settlement) => ledger.settle(id, settlement)),
      snapshot: timed('ledger_snapshot', (window, caps) => ledger.snapshot(window, caps)),
      beat: timed('ledger_beat', (beat) => ledger.beat(beat)),
    },
    conversations: {
      load: timed('conversation_load', (key, gone) => conversations.load(key, gone)),
      put: timed('conversation_put', (key, n, blob, expiresAt) => conversations.put(key, n, blob, expiresAt)),
      trim: timed('conversation_trim', (key, n) => conversations.trim(key, n)),
      erase: timed('conversation_erase', (key) => conversations.erase(key)),
      leave: timed('conversation_leave', (key) => conversations.leave(key)),
      sweep: timed('conversation_sweep', (now) => conversations.sweep(now)),
    },
  }
}

/** The same proofs of work, counted. */
export function meteredProofs(proofs: ProofOfWork, meter: Pick<Meter, 'proof'>): ProofOfWork {
  return {
    wanted: (since) => proofs.wanted(since),
    async challenge(addressKey) {
      const challenge = await proofs.challenge(addressKey)
      meter.proof('asked')
      return challenge
    },
    async redeem(proof, addressKey) {
      const solved = await proofs.redeem(proof, addressKey)
      meter.proof(solved ? 'solved' : 'rejected')
      return solved
    },
  }
}
