import type {
  Contact,
  Delta,
  Done,
  Failure,
  Limits,
  PersonaView,
  ServerMessage,
  Start,
  TurnView,
  Usage,
  Welcome,
} from '../protocol/messages.ts'
import { endReasons, errorCodes, sources } from '../protocol/messages.ts'

// By hand, because the server's schema library would cost a quarter of the page's weight.
type Fields = Record<string, unknown>

const isFields = (v: unknown): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v)
const isText = (v: unknown): v is string => typeof v === 'string'
const isNumber = (v: unknown): v is number => Number.isFinite(v)
const isCount = (v: unknown): v is number => Number.isSafeInteger(v) && Number(v) >= 0
const isFlag = (v: unknown): v is boolean => typeof v === 'boolean'
const isTexts = (v: unknown): v is string[] => Array.isArray(v) && v.every(isText)
const isOneOf = <T extends string>(list: readonly T[], v: unknown): v is T => list.some((item) => item === v)

const turnStates = ['streaming', ...endReasons] as const

function contactOf(v: unknown): Contact {
  if (!isFields(v)) return {}
  const { phone, email, address, url, hours } = v
  return {
    ...(isText(phone) && { phone }),
    ...(isText(email) && { email }),
    ...(isText(address) && { address }),
    ...(isText(url) && { url }),
    ...(isText(hours) && { hours }),
  }
}

function personaOf(v: unknown): PersonaView | undefined {
  if (!isFields(v)) return undefined
  const { name, greeting, placeholder, suggestions, contact, notice, linkHosts } = v
  if (!isText(name) || !isText(greeting) || !isText(placeholder) || !isText(notice)) return undefined
  if (!isTexts(suggestions) || !isTexts(linkHosts)) return undefined
  return {
    name,
    greeting,
    placeholder,
    suggestions: [...suggestions],
    contact: contactOf(contact),
    notice,
    linkHosts: [...linkHosts],
  }
}

function limitsOf(v: unknown): Limits | undefined {
  if (!isFields(v)) return undefined
  const { maxChars, askBurst, asksPerMinute } = v
  return isCount(maxChars) && isCount(askBurst) && isNumber(asksPerMinute)
    ? { maxChars, askBurst, asksPerMinute }
    : undefined
}

function turnOf(v: unknown): TurnView | undefined {
  if (!isFields(v)) return undefined
  const { id, question, answer, state, source, at } = v
  if (!isText(id) || !isText(question) || !isText(answer) || !isNumber(at)) return undefined
  return isOneOf(turnStates, state) && isOneOf(sources, source)
    ? { id, question, answer, state, source, at }
    : undefined
}

function welcome(m: Fields): Welcome | undefined {
  const { protocol, session, resumed, lang, demo } = m
  const persona = personaOf(m.persona)
  const limits = limitsOf(m.limits)
  if (!isNumber(protocol) || !isText(session) || !isFlag(resumed) || !isText(lang) || !isFlag(demo)) return undefined
  if (!persona || !limits || !Array.isArray(m.turns)) return undefined
  const turns = m.turns.map(turnOf).filter((turn) => turn !== undefined)
  return { type: 'welcome', protocol, session, resumed, lang, persona, limits, demo, turns }
}

function start(m: Fields): Start | undefined {
  const { id, question, source, remaining } = m
  return isText(id) && isText(question) && isOneOf(sources, source) && isCount(remaining)
    ? { type: 'start', id, question, source, remaining }
    : undefined
}

function delta(m: Fields): Delta | undefined {
  const { id, offset, text } = m
  return isText(id) && isCount(offset) && isText(text) ? { type: 'delta', id, offset, text } : undefined
}

function usageOf(v: unknown): Usage | undefined {
  if (!isFields(v)) return undefined
  const { promptTokens, outputTokens } = v
  return isCount(promptTokens) && isCount(outputTokens) ? { promptTokens, outputTokens } : undefined
}

function done(m: Fields): Done | undefined {
  const { id, reason, length } = m
  const usage = usageOf(m.usage)
  return isText(id) && isOneOf(endReasons, reason) && isCount(length)
    ? { type: 'done', id, reason, length, ...(usage && { usage }) }
    : undefined
}

function failure(m: Fields): Failure | undefined {
  const { code, message, id, retryAfterMs, challenge } = m
  if (!isText(message)) return undefined
  return {
    type: 'error',
    // A later server may know more codes; its sentence is good all the same.
    code: isOneOf(errorCodes, code) ? code : 'internal',
    message,
    ...(isText(id) && { id }),
    ...(isNumber(retryAfterMs) && { retryAfterMs }),
    ...(isText(challenge) && { challenge }),
  }
}

const readers = new Map<unknown, (m: Fields) => ServerMessage | undefined>([
  ['welcome', welcome],
  ['start', start],
  ['delta', delta],
  ['done', done],
  ['error', failure],
  ['forgotten', () => ({ type: 'forgotten' })],
])

/** One server frame's text -> a new message, or undefined when it is none that we know. Unknown fields are dropped. */
export function parseServerMessage(text: string): ServerMessage | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return isFields(json) ? readers.get(json.type)?.(json) : undefined
  } catch {
    return undefined
  }
}
