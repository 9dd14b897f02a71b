import type { Delta, ErrorCode, Source, TurnState } from '../protocol/messages.ts'
import type { Ended, Greeting, Persona, Received, Refusal, Started } from './parse.ts'

/** `asking`: not admitted yet; `failed`: refused, `error` says why and the server doesn't keep it. */
export type ChatTurn = {
  readonly id: string
  readonly question: string
  readonly answer: string
  readonly state: 'asking' | 'failed' | TurnState
  readonly source?: Source
  readonly error?: string
  /** The visitor wants it stopped, and the server may not have heard yet. */
  readonly stopping?: true
  /** The visitor's machine does a piece of work that the server asked for first. */
  readonly checking?: true
  /** Text was missing once, and it was fetched anew. */
  readonly refetched?: true
}

export type Chat = {
  readonly session?: string
  readonly persona?: Persona
  readonly limits?: Greeting['limits']
  readonly demo: boolean
  readonly turns: readonly ChatTurn[]
  readonly draft: string
  /** A sentence for the visitor beside the composer. */
  readonly notice?: string
  /** Clock.monotonic before which Send waits; 0 when it doesn't. */
  readonly blockedUntil: number
  /** Something is missing: the session must be taken up again. */
  readonly gap: boolean
  readonly forgetting: boolean
}

export type ChatEvent =
  | { type: 'typed'; text: string }
  | { type: 'asked'; id: string; text: string; draft: string; retryOf?: string }
  | { type: 'checking'; id: string }
  | { type: 'stop' }
  | { type: 'withdraw' }
  | { type: 'forget' }
  | { type: 'unblocked' }
  | { type: 'received'; message: Received; now: number }

export const emptyChat: Chat = { demo: false, turns: [], draft: '', blockedUntil: 0, gap: false, forgetting: false }

// A refusal that ends with the day must not lock the composer.
const LONGEST_BLOCK_MS = 120_000
const kept = ['model_unavailable', 'budget_exhausted', 'internal'] satisfies ErrorCode[]

/** The turn that the visitor waits for, if any: at most one per session. */
export const busyTurn = (chat: Chat): ChatTurn | undefined =>
  chat.turns.find(({ state }) => state === 'asking' || state === 'streaming')

export const isChecked = ({ state, checking }: ChatTurn): boolean => state === 'asking' && checking === true

/** The conversation after `event`. Pure; returns the same object when nothing changes. */
export function reduce(chat: Chat, event: ChatEvent): Chat {
  switch (event.type) {
    case 'typed':
      return event.text === chat.draft ? chat : { ...chat, draft: event.text }
    case 'asked':
      return asked(chat, event)
    case 'checking':
      return mapTurn(chat, event.id, (turn) => ({ turn: { ...turn, checking: true } }))
    case 'stop':
      return stopped(chat)
    case 'withdraw':
      return withdrawn(chat)
    case 'forget':
      return { ...chat, forgetting: true }
    case 'unblocked':
      return { ...without(chat, 'notice'), blockedUntil: 0 }
    case 'received':
      return received(chat, event.message, event.now)
  }
}

type Asked = Extract<ChatEvent, { type: 'asked' }>

function asked(chat: Chat, { id, text, draft, retryOf }: Asked): Chat {
  const turns = chat.turns.filter((turn) => turn.id !== retryOf || turn.state !== 'failed')
  const turn: ChatTurn = { id, question: text, answer: '', state: 'asking' }
  return { ...without(chat, 'notice'), turns: [...turns, turn], draft }
}

/** An ask that never left goes back into the draft. */
function withdrawn(chat: Chat): Chat {
  const turn = chat.turns.find(({ state }) => state === 'asking')
  return turn ? { ...remove(chat, turn.id), draft: chat.draft || turn.question } : chat
}

function received(chat: Chat, message: Received, now: number): Chat {
  switch (message.type) {
    case 'welcome':
      return welcomed(chat, message)
    case 'start':
      return started(chat, message)
    case 'delta':
      return mapTurn(chat, message.id, (turn) => grown(turn, message))
    case 'done':
      return mapTurn(chat, message.id, (turn) => ended(turn, message))
    case 'error':
      return refused(chat, message, now)
    case 'forgotten':
      return { ...emptyChat, ...persistent(chat), draft: chat.draft, blockedUntil: chat.blockedUntil }
  }
}

const persistent = ({ persona, limits, demo }: Chat) => ({
  demo,
  ...(persona && { persona }),
  ...(limits && { limits }),
})

/** The server's list is the truth; beside it stay only the turns that the visitor still waits for or may retry. */
function welcomed(chat: Chat, { session, persona, limits, demo, turns }: Greeting): Chat {
  const mine = new Map(chat.turns.map((turn) => [turn.id, turn]))
  const theirs = turns.map(({ id, question, answer, state, source }): ChatTurn => {
    const old = mine.get(id)
    mine.delete(id)
    if (state !== 'streaming' || !old) return { id, question, answer, state, source, ...again(old) }
    return { ...old, question, state, source }
  })
  const left = [...mine.values()].filter(({ state }) => ['asking', 'failed', 'streaming'].includes(state))
  const cut = left.map((turn): ChatTurn => (turn.state === 'streaming' ? { ...turn, state: 'interrupted' } : turn))
  return { ...chat, session, persona, limits, demo, turns: [...theirs, ...cut], gap: false }
}

const again = (old: ChatTurn | undefined) => (old?.refetched ? { refetched: true as const } : {})

function started(chat: Chat, { id, question, source }: Started): Chat {
  const old = chat.turns.find((turn) => turn.id === id)
  const turn: ChatTurn = { ...(old ?? { id, answer: '' }), question, source, state: 'streaming' }
  return { ...chat, turns: old ? chat.turns.map((other) => (other === old ? turn : other)) : [...chat.turns, turn] }
}

/** Cut to the delta's offset, then add; text missing between is a gap. */
function grown(turn: ChatTurn, { offset, text }: Delta): Changed {
  if (offset > turn.answer.length) return torn(turn, turn.answer)
  return { turn: { ...turn, answer: turn.answer.slice(0, offset) + text } }
}

function ended(turn: ChatTurn, { reason, length }: Ended): Changed {
  const { stopping: _, ...rest } = turn
  if (turn.answer.length === length) return { turn: { ...rest, state: reason } }
  return torn(turn, '')
}

/** What doesn't fit together is fetched anew, but for `answer`, once; then the end says that it is not whole. */
function torn(turn: ChatTurn, answer: string): Changed {
  const { stopping: _, ...rest } = turn
  if (turn.refetched) return { turn: { ...rest, state: 'interrupted' } }
  return { turn: { ...turn, answer, refetched: true }, gap: true }
}

function refused(chat: Chat, failure: Refusal, now: number): Chat {
  const { code, message, retryAfterMs = 0 } = failure
  const turn = chat.turns.find(({ id, state }) => id === failure.id && state === 'asking')
  const blocks = retryAfterMs > 0 && retryAfterMs <= LONGEST_BLOCK_MS
  const next = blocks ? { ...chat, blockedUntil: now + retryAfterMs } : chat
  if (!turn) return { ...next, notice: message }
  const stays = kept.some((known) => known === code) || chat.draft.trim() !== ''
  if (stays) return mapTurn(next, turn.id, (old) => ({ turn: { ...old, state: 'failed', error: message } }))
  return { ...remove(next, turn.id), draft: turn.question, notice: message }
}

type Changed = { turn: ChatTurn; gap?: true }

function mapTurn(chat: Chat, id: string, change: (turn: ChatTurn) => Changed): Chat {
  const old = chat.turns.find((turn) => turn.id === id)
  if (!old) return chat
  const { turn, gap = chat.gap } = change(old)
  return { ...chat, turns: chat.turns.map((other) => (other === old ? turn : other)), gap }
}

function stopped(chat: Chat): Chat {
  const turn = busyTurn(chat)
  return turn ? mapTurn(chat, turn.id, (old) => ({ turn: { ...old, stopping: true } })) : chat
}

const remove = (chat: Chat, id: string): Chat => ({ ...chat, turns: chat.turns.filter((turn) => turn.id !== id) })

function without<K extends 'notice'>(chat: Chat, key: K): Omit<Chat, K> {
  const { [key]: _, ...rest } = chat
  return rest
}
