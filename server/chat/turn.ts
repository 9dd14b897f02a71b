import * as v from 'valibot'
import {
  type EndReason,
  endReasons,
  type ServerMessage,
  type Source,
  sources,
  type TurnState,
  type TurnView,
  type Usage,
} from '../../protocol/messages.ts'

/** One question and what has been said to it. `n` counts a session's turns; `remaining` is what `start` said. */
export type Turn = {
  readonly n: number
  readonly id: string
  readonly question: string
  readonly at: number
  readonly remaining: number
  source: Source
  answer: string
  state: TurnState
  usage?: Usage
}

export const viewOf = (turn: Turn): TurnView => ({
  id: turn.id,
  question: turn.question,
  answer: turn.state === 'streaming' ? '' : turn.answer,
  state: turn.state,
  source: turn.source,
  at: turn.at,
})

/** What its sockets hear when it begins. */
export const startOf = ({ id, question, source, remaining }: Turn): ServerMessage => ({
  type: 'start',
  id,
  question,
  source,
  remaining,
})

/** What they hear when it has ended. */
export const doneOf = ({ id, answer, usage }: Turn, reason: EndReason): ServerMessage => ({
  type: 'done',
  id,
  reason,
  length: answer.length,
  ...(usage && { usage }),
})

const stored = v.object({
  n: v.number(),
  id: v.string(),
  question: v.string(),
  at: v.number(),
  remaining: v.number(),
  source: v.picklist(sources),
  answer: v.string(),
  state: v.picklist(['streaming', ...endReasons]),
  usage: v.exactOptional(v.object({ promptTokens: v.number(), outputTokens: v.number() })),
})

export const turnToText = (turn: Turn): string => JSON.stringify(turn)

/** A stored turn, or undefined when it is damaged. One that a dead process left streaming comes back interrupted. */
export function turnFromText(text: string): Turn | undefined {
  try {
    const result = v.safeParse(stored, JSON.parse(text))
    if (!result.success) return undefined
    const turn = result.output
    return { ...turn, state: turn.state === 'streaming' ? 'interrupted' : turn.state }
  } catch {
    return undefined
  }
}

export const isEnd = (state: TurnState): state is EndReason => state !== 'streaming'

/** Where a replay from `offset` begins: past the end means a crash lost text, so 0; inside a pair steps back. */
export function replayFrom(text: string, offset: number): number {
  if (offset > text.length) return 0
  const unit = text.charCodeAt(offset)
  const insidePair = offset > 0 && unit >= 0xdc00 && unit <= 0xdfff
  return insidePair ? offset - 1 : offset
}
