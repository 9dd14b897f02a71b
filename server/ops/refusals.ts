import type { DayCounts } from '../diary.ts'

/** Who refused: what is asked before a connection, before a question, and of a question; the wallet comes last. */
export type RefusedBy = 'upgrade' | 'message' | 'load' | 'buckets' | 'proof' | 'wallet'
export type Refusal = { by: RefusedBy; cause: string; count: number }

const WALLET = new Set(['day', 'month', 'pace', 'share', 'newcomers', 'too_large', 'halted'])
const LOAD = new Set(['streams', 'store', 'overloaded'])
const ORDER: readonly RefusedBy[] = ['wallet', 'buckets', 'proof', 'load', 'message', 'upgrade']

/** A day's refusals, by who refused, the most frequent cause first. A question that the notes answered instead counts too. */
export function refusalsOf(counts: DayCounts): Refusal[] {
  const all = Object.entries(counts).flatMap(([name, count]) => refusalOf(name, count) ?? [])
  const sums = new Map<string, Refusal>()
  for (const each of all) {
    const key = `${each.by} ${each.cause}`
    sums.set(key, { ...each, count: each.count + (sums.get(key)?.count ?? 0) })
  }
  return [...sums.values()].sort((a, b) => ORDER.indexOf(a.by) - ORDER.indexOf(b.by) || b.count - a.count)
}

/** What the diary counts under `name` as a refusal, if it is one. */
export function refusalOf(name: string, count: number): Refusal | undefined {
  const [, kind, cause = ''] = /^(refused|instead|upgrade|message):(.+)$/.exec(name) ?? []
  if (kind === 'upgrade' || kind === 'message') return { by: kind, cause, count }
  // The notes also answer for a model that failed, which is no refusal.
  if (kind === 'instead') return WALLET.has(cause) ? { by: 'wallet', cause, count } : undefined
  return kind === 'refused' ? { by: refusedBy(cause), cause, count } : undefined
}

function refusedBy(cause: string): RefusedBy {
  if (WALLET.has(cause)) return 'wallet'
  if (LOAD.has(cause)) return 'load'
  return cause === 'proof_required' ? 'proof' : 'buckets'
}
