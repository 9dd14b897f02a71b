import type {
  Contact,
  Delta,
  Done,
  Failure,
  Forgotten,
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
/** A new value, or undefined when what came is none. */
type Reader<T> = (v: unknown) => T | undefined
type May<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T]
type Readers<T, K extends keyof T> = { readonly [Key in K]-?: Reader<Exclude<T[Key], undefined>> }

const isFields = (v: unknown): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v)

const text: Reader<string> = (v) => (typeof v === 'string' ? v : undefined)
const flag: Reader<boolean> = (v) => (typeof v === 'boolean' ? v : undefined)
const number: Reader<number> = (v) => (typeof v === 'number' && Number.isFinite(v) ? v : undefined)
const count: Reader<number> = (v) => (typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 ? v : undefined)
const oneOf =
  <T extends string>(...list: readonly T[]): Reader<T> =>
  (v) =>
    list.find((item) => item === v)
/** Those items of a list that are right. */
const some =
  <T>(item: Reader<T>): Reader<T[]> =>
  (v) =>
    Array.isArray(v) ? v.map(item).filter((one) => one !== undefined) : undefined

/** An object with all of `needed`, and those of `may` that are right; other fields are dropped. */
function object<T extends object>(needed: Readers<T, Exclude<keyof T, May<T>>>, may?: Readers<T, May<T>>): Reader<T> {
  const readers = Object.entries<Reader<unknown>>({ ...needed, ...may })
  const isWhole = (made: object): made is T => Object.keys(needed).every((key) => key in made)
  return (v) => {
    if (!isFields(v)) return undefined
    const read = readers.map(([key, reader]) => [key, reader(v[key])] as const)
    const made = Object.fromEntries(read.filter(([, value]) => value !== undefined))
    return isWhole(made) ? made : undefined
  }
}

const contact = object<Contact>({}, { phone: text, email: text, address: text, url: text, hours: text })
const persona = object<PersonaView>({
  name: text,
  greeting: text,
  placeholder: text,
  suggestions: some(text),
  contact: (v) => contact(v) ?? {},
  notice: text,
  linkHosts: some(text),
})
const limits = object<Limits>({ maxChars: count, askBurst: count, asksPerMinute: number })
const source = oneOf(...sources)
const state = oneOf('streaming', ...endReasons)
const turn = object<TurnView>({ id: text, question: text, answer: text, state, source, at: number })
const usage = object<Usage>({ promptTokens: count, outputTokens: count })
// A later server may know more codes; its sentence is good all the same.
const code: Reader<Failure['code']> = (v) => oneOf(...errorCodes)(v) ?? 'internal'

const readers: readonly Reader<ServerMessage>[] = [
  object<Welcome>({
    type: oneOf('welcome'),
    protocol: number,
    session: text,
    resumed: flag,
    lang: text,
    persona,
    limits,
    demo: flag,
    turns: some(turn),
  }),
  object<Start>({ type: oneOf('start'), id: text, question: text, source, remaining: count }),
  object<Delta>({ type: oneOf('delta'), id: text, offset: count, text }),
  object<Done>({ type: oneOf('done'), id: text, reason: oneOf(...endReasons), length: count }, { usage }),
  object<Failure>({ type: oneOf('error'), code, message: text }, { id: text, retryAfterMs: number, challenge: text }),
  object<Forgotten>({ type: oneOf('forgotten') }),
]

/** One server frame's text -> a new message, or undefined when it is none that we know. Unknown fields are dropped. */
export function parseServerMessage(frame: string): ServerMessage | undefined {
  try {
    const json: unknown = JSON.parse(frame)
    for (const reader of readers) {
      const message = reader(json)
      if (message) return message
    }
  } catch {}
  return undefined
}
