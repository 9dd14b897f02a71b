import { burstLimit } from '../burst-limit.ts'
import type { Wire } from './ports.ts'
import { doneOf, replayFrom, startOf, type Turn } from './turn.ts'

const AT_ONCE = 10
const PER_SECOND = 10

/** One socket's bound on replays: a few bytes ask for a whole answer, and a page does so once, when it comes back. */
export const replayLimit = (): ((nowMs: number) => boolean) => burstLimit(AT_ONCE, PER_SECOND)

/** Says a turn again as it stands, its text from `offset` on (UTF-16 units). */
export function replay(wire: Wire, turn: Turn, offset: number): void {
  wire.send(startOf(turn))
  const from = replayFrom(turn.answer, offset)
  if (from < turn.answer.length) wire.send({ type: 'delta', id: turn.id, offset: from, text: turn.answer.slice(from) })
  if (turn.state !== 'streaming') wire.send(doneOf(turn, turn.state))
}
