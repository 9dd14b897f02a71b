/** Protocol 1, as PROTOCOL.md describes it: JSON text frames, one message each. */
export const PROTOCOL = 1
export const SUBPROTOCOL = 'le-mecano.v1'

export type Hello = { type: 'hello'; session?: string; answer?: { id: string; offset: number }; lang?: string }
export type Ask = { type: 'ask'; id: string; text: string; proof?: string }
export type Stop = { type: 'stop'; id: string }
export type Forget = { type: 'forget' }
export type ClientMessage = Hello | Ask | Stop | Forget

/** Who wrote an answer: the model, the knowledge files, or the demonstration's emulator. */
export type Source = 'model' | 'knowledge' | 'demo'
export const sources = ['model', 'knowledge', 'demo'] as const satisfies readonly Source[]

/** How an answer ended. */
export type EndReason = 'complete' | 'length' | 'filtered' | 'stopped' | 'interrupted'
export const endReasons = [
  'complete',
  'length',
  'filtered',
  'stopped',
  'interrupted',
] as const satisfies readonly EndReason[]

export type TurnState = 'streaming' | EndReason
/** One question with its answer; `at` is epoch milliseconds; a streaming answer is '' here and replayed after. */
export type TurnView = {
  id: string
  question: string
  answer: string
  state: TurnState
  source: Source
  at: number
}

export type Contact = { phone?: string; email?: string; address?: string; url?: string; hours?: string }
export type PersonaView = {
  name: string
  greeting: string
  placeholder: string
  suggestions: string[]
  contact: Contact
  notice: string
  /** Hosts that links in an answer may lead to; links elsewhere are shown as text. */
  linkHosts: string[]
}
/** `askBurst` and `asksPerMinute` are those of one connection. */
export type Limits = { maxChars: number; askBurst: number; asksPerMinute: number }

export type Welcome = {
  type: 'welcome'
  protocol: number
  session: string
  resumed: boolean
  lang: string
  persona: PersonaView
  limits: Limits
  demo: boolean
  turns: TurnView[]
}
export type Start = { type: 'start'; id: string; question: string; source: Source; remaining: number }
/** `offset` and the text's length count UTF-16 code units. */
export type Delta = { type: 'delta'; id: string; offset: number; text: string }
export type Usage = { promptTokens: number; outputTokens: number }
export type Done = { type: 'done'; id: string; reason: EndReason; length: number; usage?: Usage }

export const errorCodes = [
  'bad_message',
  'hello_first',
  'too_long',
  'empty',
  'busy',
  'rate_limited',
  'proof_required',
  'budget_exhausted',
  'model_unavailable',
  'overloaded',
  'internal',
] as const
export type ErrorCode = (typeof errorCodes)[number]
/** `message` is for the visitor, in the session's language; `retryAfterMs` is milliseconds from now. */
export type Failure = {
  type: 'error'
  code: ErrorCode
  message: string
  id?: string
  retryAfterMs?: number
  challenge?: string
}
export type Forgotten = { type: 'forgotten' }

export type ServerMessage = Welcome | Start | Delta | Done | Failure | Forgotten
