import type { Rush, ScopeRow } from '../quota/ledger.ts'
import { StoreError } from './port.ts'

/** Replies of our scripts, which write every number as text or as a small integer. A reply that is none is corrupt. */
export function list(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw corrupt()
  return reply
}

export const text = (value: unknown): string => {
  if (typeof value !== 'string') throw corrupt()
  return value
}

export function whole(value: unknown): number {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number)) throw corrupt()
  return number
}

/** The reply of HMGET spent held requests output; fields that aren't there are 0. */
export function rowOf(reply: unknown): ScopeRow {
  const [spent = 0, held = 0, requests = 0, outputTokens = 0] = list(reply).map((value) => whole(value ?? 0))
  return { spent, held, requests, outputTokens }
}

/** '' and '': none. */
export const rushOf = (since: unknown, until: unknown): Rush | undefined =>
  since === '' ? undefined : { since: whole(since), until: whole(until) }

/** A flat reply of names and values. */
export function pairs(reply: unknown): [string, string][] {
  const flat = list(reply)
  return flat.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[text(name), text(flat[index + 1])]] : [],
  )
}

const corrupt = (): StoreError => new StoreError('corrupt', 'Redis answered what no script of ours answers')
