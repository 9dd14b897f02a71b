import type { AddressKey } from './address.ts'
import type { Scope } from './ledger.ts'

/**
 * Who may use how much of a day, in three sentences. The day's budget is released bit by bit, so that nobody eats it at
 * night. Who has had more today gives way to who has had less, and nobody gets over the share of an address. In a rush
 * the last bit of what is released is for visitors who were there before, and a quarter for those who weren't.
 */

/** `elapsed`: part of the local day, in [0, 1]; `share`: part of the day that one address may use, in (0, 1]. */
export type FairRequest = {
  elapsed: number
  dayCapNano: number
  share: number
  pacing: boolean
  /** Whether the session was there before the present rush, or is known at all while there is none. */
  established: boolean
}

/**
 * Whole nano-currency. `releasedNano`: what today's bookings may reach in all. `addressNano`: what one address's may.
 * `newcomersNano`: what today's bookings in all may reach with a question of who asks (established: all that is released).
 * `establishedNano`: what those of established visitors may reach.
 */
export type FairCaps = { releasedNano: number; addressNano: number; newcomersNano: number; establishedNano: number }

const AT_MIDNIGHT = 0.15

/**
 * How often what an address has booked today, before its next question, counts beside being part of the day's sum: it is
 * admitted when day + hold + 4 × own <= newcomersNano, which is read and booked in one atomic step. Of n greedy
 * addresses each gets 1 / (n + 4) of what is released; who comes late finds room, and comes first until all have had the
 * same. More of it would leave more unused, less would let a question that is being answered block the next.
 */
export const OWN_TIMES = 4

/** How much more of what is released an established visitor may use than a newcomer: a dozen questions, in any crowd. */
const ESTABLISHED_LEAD = 0.02

// That lead is a prize for attackers who ask one question each, wait, and then begin: together they get no more than this.
const ESTABLISHED_PART = 0.75

// A rush begins when this much of what newcomers may use is booked.
const RUSH_PART = 0.8

/** The caps of one moment, for one who asks. */
export function fairCaps({ elapsed, dayCapNano, share, pacing, established }: FairRequest): FairCaps {
  // Also what is no number counts as midnight.
  const gone = elapsed > 0 ? Math.min(1, elapsed) : 0
  const releasedNano = Math.floor(dayCapNano * (pacing ? AT_MIDNIGHT + (1 - AT_MIDNIGHT) * gone : 1))
  return {
    releasedNano,
    addressNano: Math.floor(dayCapNano * share),
    newcomersNano: established ? releasedNano : forNewcomers(releasedNano),
    establishedNano: Math.floor(releasedNano * ESTABLISHED_PART),
  }
}

/**
 * The same as caps on what is booked, for the ledger's atomic step. Without pacing there is only the address's share.
 * The cause `newcomers`: what is left is not for newcomers, or, told to an established visitor, is kept for them.
 */
export function fairScopes(request: FairRequest, addressKey: string, networks: readonly AddressKey[] = []): Scope[] {
  const narrow = scopesFor(request, `address:${addressKey}`, 1)
  // An IPv6 customer has thousands of addresses: the networks around one are held to the same rules, only wider.
  return [...narrow, ...networks.flatMap(({ key, scale }) => scopesFor(request, `network:${key}`, scale))]
}

function scopesFor(request: FairRequest, address: string, scale: number): Scope[] {
  const { releasedNano, addressNano, newcomersNano, establishedNano } = fairCaps(request)
  const capNano = Math.min(request.dayCapNano, addressNano * scale)
  const share: Scope = { cause: 'share', key: address, capNano }
  if (!request.pacing) return [share]
  const own = { key: address, times: OWN_TIMES / scale }
  const rushNano = Math.floor(forNewcomers(releasedNano) * RUSH_PART)
  const day = { key: '', capNano: newcomersNano, own, rushNano }
  if (!request.established) return [share, { ...day, cause: 'newcomers' }]
  const kept: Scope = { cause: 'newcomers', key: 'established', capNano: establishedNano, own }
  return [share, { ...day, cause: 'pace' }, kept]
}

const forNewcomers = (releasedNano: number): number => Math.floor(releasedNano * (1 - OWN_TIMES * ESTABLISHED_LEAD))
