import { createHmac } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { altchaPuzzles, type Puzzles, type Work } from './altcha.ts'
import type { BucketRule, Buckets, ProofOfWork, Secrets } from './port.ts'

/** `auto`: of sessions that came with a rush; `always`: also of every new session. */
export type ProofMode = 'auto' | 'always' | 'off'
export type ProofOptions = {
  mode: ProofMode
  secrets: Secrets
  buckets: Buckets
  clock: Clock
  /** The present rush, as the wallet sees it; asked at each question. */
  rush: () => { since: number } | undefined
  work?: Work
}

/** How long a challenge counts, in ms. */
export const PROOF_TTL_MS = 120_000

/**
 * One to two million rounds: about a second of a phone of the middle class, four of a slow one, 0.3 of a desk's machine.
 * Each derivation is long enough that a browser's way into its crypto counts little beside it.
 */
export const WORK: Work = { cost: 5000, least: 200, most: 400 }

// A bucket of one, full again when its challenge has long expired: whoever takes it is the first.
const SPENT: BucketRule = { name: 'proof', burst: 1, perMinute: 60_000 / (PROOF_TTL_MS * 1.25) }

/** Challenges that any process on the same store knows again, each solved once, by the address that it was given to. */
export function createProofOfWork({ mode, secrets, buckets, clock, rush, work = WORK }: ProofOptions): ProofOfWork {
  let opened: Promise<Desk> | undefined
  const forget = (cause: unknown): never => {
    opened = undefined
    throw cause
  }
  const desk = () => (opened ??= openDesk(secrets, work).catch(forget))
  return {
    wanted(since) {
      if (mode === 'off') return false
      if (mode === 'always' && since === undefined) return true
      const pressing = rush()
      return pressing !== undefined && (since === undefined || since >= pressing.since)
    },
    async challenge(addressKey) {
      const { puzzles, nameOf } = await desk()
      return puzzles.make({ for: nameOf(addressKey), until: clock.now() + PROOF_TTL_MS })
    },
    async redeem(proof, addressKey) {
      const { puzzles, nameOf } = await desk()
      const solved = await puzzles.check(proof)
      if (!solved || solved.terms.for !== nameOf(addressKey) || solved.terms.until <= clock.now()) return false
      return (await buckets.take([{ rule: SPENT, key: solved.nonce }])).ok
    },
  }
}

/** What the store's secret gives: signed puzzles, and names for addresses that tell nobody else anything. */
type Desk = { puzzles: Puzzles; nameOf(addressKey: string): string }

async function openDesk(secrets: Secrets, work: Work): Promise<Desk> {
  const secret = Buffer.from(await secrets.secret('proof')).toString('hex')
  const nameOf = (key: string) => createHmac('sha256', secret).update(key).digest('base64url').slice(0, 22)
  return { puzzles: altchaPuzzles(secret, work), nameOf }
}
