import type { TurnState } from '../../protocol/messages.ts'
import type { ModelTurn } from '../model/port.ts'

/** A question with what came back; `state` is the answer's, absent for the question that is being asked. */
export type Exchange = { question: string; answer: string; state?: TurnState }
/** `maxTurns`: earlier pairs kept at most; `maxChars`: UTF-16 units of all texts, the new question's included. */
export type Window = { maxTurns: number; maxChars: number }

/**
 * The conversation as the model sees it: roles alternate and the last of `turns`, the new question, ends it alone.
 * Pairs stay whole, the newest are kept without gaps; pairs without an answer, or with a filtered one, are left out.
 */
export function windowOf(turns: readonly Exchange[], { maxTurns, maxChars }: Window): ModelTurn[] {
  const asked = turns.at(-1)
  if (!asked) return []
  const kept: ModelTurn[] = [{ role: 'user', text: asked.question }]
  let room = maxChars - asked.question.length
  let pairs = 0
  for (const turn of turns.slice(0, -1).filter(isUsable).reverse()) {
    const answer = heard(turn)
    room -= turn.question.length + answer.length
    if (room < 0 || ++pairs > maxTurns) break
    kept.unshift({ role: 'user', text: turn.question }, { role: 'model', text: answer })
  }
  return kept
}

// A filtered answer is what an attack left behind: the model should not go on from it.
const isUsable = ({ question, answer, state }: Exchange) =>
  state !== 'filtered' && question.trim() !== '' && answer.trim() !== ''

// The model sees that it was cut, or it would take half a sentence for its own style.
function heard({ answer, state }: Exchange): string {
  const whole = state === undefined || state === 'complete'
  return whole ? answer : `${answer.trimEnd()} […]`
}
