import type {
  Delta,
  Done,
  Failure,
  Forgotten,
  Limits,
  PersonaView,
  Start,
  TurnView,
  Welcome,
} from '../protocol/messages.ts'
import { endReasons, PROTOCOL, sources } from '../protocol/messages.ts'

// What the page uses of the server's messages, and no more of them.
export type Persona = Omit<PersonaView, 'contact'>
export type Greeting = Pick<Welcome, 'type' | 'session' | 'resumed' | 'demo'> & {
  persona: Persona
  limits: Pick<Limits, 'maxChars'>
  turns: Told[]
}
export type Told = Omit<TurnView, 'at'>
export type Started = Omit<Start, 'remaining'>
export type Ended = Omit<Done, 'usage'>
/** A later server may know more codes; its sentence is good all the same. */
export type Refusal = Omit<Failure, 'code'> & { code: string }
export type Received = Greeting | Started | Delta | Ended | Refusal | Forgotten

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

const persona = object<Persona>({
  name: text,
  greeting: text,
  placeholder: text,
  suggestions: some(text),
  notice: text,
  linkHosts: some(text),
})
const source = oneOf(...sources)
const state = oneOf('streaming', ...endReasons)
const turn = object<Told>({ id: text, question: text, answer: text, state, source })

const readers: readonly Reader<Received>[] = [
  object<Greeting & Pick<Welcome, 'protocol'>>({
    type: oneOf('welcome'),
    // Of a newer one nothing can be known, not even how it greets.
    protocol: (v) => (v === PROTOCOL ? PROTOCOL : undefined),
    session: text,
    resumed: flag,
    persona,
    limits: object<Greeting['limits']>({ maxChars: count }),
    demo: flag,
    turns: some(turn),
  }),
  object<Started>({ type: oneOf('start'), id: text, question: text, source }),
  object<Delta>({ type: oneOf('delta'), id: text, offset: count, text }),
  object<Ended>({ type: oneOf('done'), id: text, reason: oneOf(...endReasons), length: count }),
  object<Refusal>(
    { type: oneOf('error'), code: text, message: text },
    { id: text, retryAfterMs: number, challenge: text },
  ),
  object<Forgotten>({ type: oneOf('forgotten') }),
]

/** One server frame's text -> a new message, or undefined when it is none that we know. Unknown fields are dropped. */
export function parseServerMessage(frame: string): Received | undefined {
  try {
    const json: unknown = JSON.parse(frame)
    for (const reader of readers) {
      const message = reader(json)
      if (message) return message
    }
  } catch {}
  return undefined
}
