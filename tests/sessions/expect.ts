import type { Link } from './link.ts'
import { mismatch } from './match.ts'
import { describe, lineOf, type Proof, quote, receive } from './received.ts'
import type { Expectation } from './script.ts'
import type { Condition, Variables } from './words.ts'

/** A socket as a script sees it; `last` is the latest message, for `save`. */
export type Meeting = { name: string; link: Link; proof: Proof; last: unknown }
export type ExpectOptions = { timeoutMs: number; variables: Variables; say(line: string): void }

/** Waits for what a script expects next on a socket; returns what came instead, in words, or undefined. */
export async function expect(
  meeting: Meeting,
  wanted: Expectation,
  options: ExpectOptions,
): Promise<string | undefined> {
  switch (wanted.kind) {
    case 'nothing':
      return expectNothing(meeting, options)
    case 'opened':
      return expectOpened(meeting, wanted.conditions, options)
    case 'deltas':
      return expectDeltas(meeting, wanted.conditions, options)
    case 'message':
      return expectMessage(meeting, wanted.type, wanted.conditions, options)
    case 'closed':
    case 'refused':
      return expectEnd(meeting, wanted.kind, wanted.conditions, options)
  }
}

async function expectNothing({ name, link }: Meeting, { timeoutMs, say }: ExpectOptions): Promise<string | undefined> {
  await link.fence(timeoutMs)
  const incoming = await link.next(0, true)
  if (incoming !== undefined) return describe(incoming)
  say(`${prefix(name)}< nothing`)
  return undefined
}

async function expectOpened({ name, link }: Meeting, conditions: readonly Condition[], options: ExpectOptions) {
  if (!(await link.opened(options.timeoutMs))) return describe(await link.next(0))
  const wrong = mismatch(conditions, { subprotocol: link.subprotocol }, options.variables)
  if (wrong === undefined) options.say(`${prefix(name)}< opened subprotocol=${quote(link.subprotocol)}`)
  return wrong
}

async function expectMessage(meeting: Meeting, type: string, conditions: readonly Condition[], options: ExpectOptions) {
  const incoming = await meeting.link.next(options.timeoutMs)
  if (incoming?.kind !== 'message') return describe(incoming)
  const received = receive(incoming.text)
  if (!received.ok) return received.wrong
  const { message, fields } = received
  const broken = meeting.proof.check(message)
  if (broken !== undefined) return `${lineOf(message)}\n  ${broken}`
  if (message.type !== type) return `< ${lineOf(message)}`
  const wrong = mismatch(conditions, fields, options.variables)
  if (wrong !== undefined) return `< ${lineOf(message)}\n  ${wrong}`
  // For `save`: where a delta ends is what a client would resume from.
  meeting.last = message.type === 'delta' ? { ...fields, length: message.offset + message.text.length } : fields
  options.say(`${prefix(meeting.name)}< ${lineOf(message)}`)
  return undefined
}

/** Takes deltas of one id as long as they come, and leaves the first other thing in the queue. */
async function expectDeltas(meeting: Meeting, conditions: readonly Condition[], options: ExpectOptions) {
  const { link, proof, name } = meeting
  const joined = { id: '', offset: 0, text: '', length: 0, count: 0 }
  for (;;) {
    const incoming = await link.next(options.timeoutMs, true)
    if (incoming === undefined) return describe(incoming)
    const received = incoming.kind === 'message' ? receive(incoming.text) : undefined
    if (received?.ok !== true || received.message.type !== 'delta') break
    const { message } = received
    if (joined.count > 0 && message.id !== joined.id) break
    await link.next(0)
    const broken = proof.check(message)
    if (broken !== undefined) return `< ${lineOf(message)}\n  ${broken}`
    if (joined.count === 0) Object.assign(joined, { id: message.id, offset: message.offset })
    joined.text += message.text
    joined.length = message.offset + message.text.length
    joined.count += 1
  }
  const line = `delta* ${joined.id} offset=${joined.offset} text=${quote(joined.text)} (${joined.count})`
  const wanted = joined.count === 0 ? conditions.filter(({ field }) => field !== 'id') : conditions
  const wrong = mismatch(wanted, joined, options.variables)
  if (wrong !== undefined) return `< ${line}\n  ${wrong}`
  meeting.last = joined
  options.say(`${prefix(name)}< ${line}`)
  return undefined
}

async function expectEnd(
  meeting: Meeting,
  kind: 'closed' | 'refused',
  conditions: readonly Condition[],
  options: ExpectOptions,
) {
  const incoming = await meeting.link.next(options.timeoutMs)
  if (incoming?.kind !== kind) return describe(incoming)
  const fields = incoming.kind === 'refused' ? { ...incoming.headers, ...incoming } : incoming
  const wrong = mismatch(conditions, numbersIn(fields), options.variables)
  if (wrong !== undefined) return `${describe(incoming)}\n  ${wrong}`
  options.say(`${prefix(meeting.name)}${describe(incoming)}`)
  return undefined
}

// Headers are text; `retry-after>0` compares numbers.
const numbersIn = (fields: object): object =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value,
    ]),
  )

// The first socket's lines stand without its name, as in the scripts.
const prefix = (name: string): string => (name === 'a' ? '' : name)
