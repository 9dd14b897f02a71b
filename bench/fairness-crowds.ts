import type { Person, Priced } from './fairness-people.ts'
import { person, typicalQuestion } from './fairness-people.ts'
import type { Shop } from './fairness-simulation.ts'
import { HOUR_MS, MIDNIGHT } from './fairness-simulation.ts'

const OPENS = 8
const CLOSES = 20
const PROOF_MS = 1000
const TRIES = 4
const LONGEST_WAIT_MS = 600_000
const SHORTEST_WAIT_MS = 1000
const LOOK_EVERY_MS = 60_000

export type Tally = { asked: number; served: number }

/**
 * `count` visitors of 12 questions each, at any time between 8:00 and 20:00, in one conversation all day. Refused, they
 * come back after retryAfterMs (10 minutes at most), three times. `returning` of them (0 to 1) were there yesterday.
 */
export function honestVisitors(shop: Shop, count: number, returning: number, tally: Tally): void {
  for (let index = 0; index < count; index++) {
    const yesterday = index < count * returning ? MIDNIGHT - 8 * HOUR_MS : undefined
    const who = person(`honest-${index}`, yesterday)
    for (let question = 0; question < 12; question++) {
      const at = MIDNIGHT + (OPENS + (CLOSES - OPENS) * shop.random()) * HOUR_MS
      tally.asked += 1
      shop.agenda.add(at, () => visitor(shop, who, tally, TRIES))
    }
  }
}

async function visitor(shop: Shop, who: Person, tally: Tally, tries: number, proved = false): Promise<void> {
  const again = (ms: number, left: number, solved: boolean) =>
    shop.agenda.add(shop.now() + ms, () => visitor(shop, who, tally, left, solved))
  if (!proved && shop.newcomer(who)) return again(PROOF_MS, tries, true)
  await shop.roomCall()
  const asked = await shop.ask(who, typicalQuestion(who.served))
  if (asked.ok) tally.served += 1
  else if (tries > 1) {
    again(Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, asked.retryAfterMs ?? 0)), tries - 1, false)
  }
}

/** `preparedMs`: each asked one question in so long before `from`, to pass for a visitor who was there before. */
export type Attack = { count: number; from: number; preparedMs: number; question: Priced }

/**
 * Addresses that ask from `from` on, whenever anything may fit: they look whenever an answer ends, every minute, and
 * just before each visitor, so that they always come first. A proof costs each a second of its own machine, less than
 * its buckets make it wait.
 */
export function hostilePrefixes(shop: Shop, { count, from, preparedMs, question }: Attack): void {
  const crowd = Array.from({ length: count }, (_, index) => person(`hostile-${index}`))
  const grab = async (): Promise<void> => {
    if (shop.now() < from) return
    while (await round(shop, crowd, question)) crowd.sort((a, b) => a.spentNano - b.spentNano)
  }
  const look = async (): Promise<void> => {
    await grab()
    shop.agenda.add(shop.now() + LOOK_EVERY_MS, look)
  }
  shop.agenda.add(from, look)
  shop.onRoom(grab)
  for (const who of preparedMs > 0 ? crowd : []) {
    const at = from - preparedMs * shop.random()
    if (at < MIDNIGHT) who.since = at
    else shop.agenda.add(at, async () => void (await shop.ask(who, typicalQuestion(0))))
  }
}

const FULL = new Set(['pace', 'newcomers', 'day', 'month'])

/** One question of each; whether any was admitted. What is refused to one is refused to all who had as much or more. */
async function round(shop: Shop, crowd: readonly Person[], question: Priced): Promise<boolean> {
  const full = new Set<boolean>()
  let admitted = false
  for (const who of crowd) {
    const newcomer = shop.newcomer(who)
    if (full.has(newcomer)) continue
    const asked = await shop.ask(who, question)
    admitted ||= asked.ok
    if (!asked.ok && FULL.has(asked.cause)) full.add(newcomer)
    if (full.size === 2) break
  }
  return admitted
}
