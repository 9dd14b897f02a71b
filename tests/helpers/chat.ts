import * as assert from 'uvu/assert'
import type { ClientMessage, ServerMessage } from '../../protocol/messages.ts'
import { type AskContext, createAdmission } from '../../server/chat/admission.ts'
import { Connection } from '../../server/chat/connection.ts'
import { createFilters } from '../../server/chat/filter.ts'
import { createFollow } from '../../server/chat/follow.ts'
import { createLender, type Lender } from '../../server/chat/lend.ts'
import type { Assistant, Wire } from '../../server/chat/ports.ts'
import type { QuestionLine } from '../../server/chat/question.ts'
import { createRegistry, type Registry } from '../../server/chat/registry.ts'
import { createStreams, type Streams } from '../../server/chat/streams.ts'
import type { Random } from '../../server/clock.ts'
import { silentLog } from '../../server/log.ts'
import { withRetry } from '../../server/model/retry.ts'
import type { Buckets } from '../../server/quota/port.ts'
import { memoryStore } from '../../server/stores/memory.ts'
import { vault } from '../../server/vault.ts'
import { type Hub, hub } from './hub.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import { type RecordingWallet, recordingWallet } from './recording-wallet.ts'
import { type ScriptedModel, scriptedModel } from './scripted-model.ts'
import { type SlowStore, slowStore } from './slow-store.ts'

export const GRACE_MS = 30_000
export const TTL_MS = 3_600_000
/** What the filter keeps back. */
export const FORBIDDEN = 'mot de passe'

export type ChatOptions = {
  burst?: number
  maxStreams?: number
  joinMs?: number
  maxStreamsPerAddress?: number
  maxChars?: number
  /** How often a failed call is tried in all, with the real pauses. */
  attempts?: number
  /** What the knowledge says; undefined: KNOWLEDGE_FALLBACK is off. */
  fallback?: string
  /** Its store and the processes on it, as another chat of the test has them. */
  process?: {
    name: string
    hub: Hub
    clock: ManualClock
    model: ScriptedModel
    wallet: RecordingWallet
    random: Random
  }
}
/** The chat's rooms over fakes; everything it waits for is in the test's hand. */
export type Chat = {
  clock: ManualClock
  model: ScriptedModel
  wallet: RecordingWallet
  store: SlowStore
  buckets: { broken: boolean; taken: number }
  streams: Streams
  registry: Registry
  lender: Lender
  die(): void
  lines: QuestionLine[]
  refused: string[]
  /** A new socket of a visitor; `address` counts its streams. */
  connect(address?: string): Client
  /** Like `connect`, and already past hello. */
  enter(session?: string, answer?: { id: string; offset: number }): Promise<Client>
}
export type Client = {
  readonly received: ServerMessage[]
  readonly closes: number[]
  /** The session's token of the last welcome. */
  readonly session: string
  send(message: ClientMessage): Promise<void>
  raw(text: string): Promise<void>
  ask(id: string, text?: string): Promise<void>
  /** The connection is lost; nothing reaches it any more. */
  drop(): Promise<void>
  /** What came since the last call. */
  fresh(): ServerMessage[]
}

/** Everything that can happen without the test's doing has happened: nothing here waits for more than promises. */
export const calm = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export function createChat(options: ChatOptions = {}): Chat {
  const clock = options.process?.clock ?? manualClock()
  const random = options.process?.random ?? countingRandom()
  const model = options.process?.model ?? scriptedModel()
  const wallet = options.process?.wallet ?? recordingWallet()
  const memory = memoryStore(clock)
  const joined = options.process?.hub.join(options.process.name)
  const store = slowStore(joined?.conversations ?? memory.conversations)
  const peers = joined?.peers ?? memory.peers
  const buckets = { broken: false, taken: 0 }
  const streams = createStreams(options.maxStreams ?? 20, options.maxStreamsPerAddress ?? 20)
  const lines: QuestionLine[] = []
  const refused: string[] = []
  const assistant = plainAssistant(options.fallback)
  const admission = createAdmission({
    streams,
    buckets: countingBuckets(memory.buckets, buckets),
    wallet,
    log: silentLog,
  })
  const retry = { attempts: options.attempts ?? 1, maxDelayMs: 8000, patienceMs: 60_000, clock, random }
  const registry = createRegistry({
    random,
    clock,
    follow: createFollow({ peers, vault, clock }),
    journal: { store, vault, ttlMs: TTL_MS, now: clock.now, log: silentLog },
    session: {
      question: {
        clock,
        admission,
        model: (mayRetry) => withRetry(model, { ...retry, mayRetry }),
        source: 'model',
        onQuestion: (line) => lines.push(line),
        joinMs: options.joinMs ?? 0,
        soon: queueMicrotask,
      },
      assistant: () => assistant,
      log: silentLog,
      limits: { maxChars: options.maxChars ?? 1000, askBurst: 10, asksPerMinute: 10 },
      graceMs: GRACE_MS,
      onRefused: (code) => void refused.push(code),
      demo: false,
    },
  })
  const connectTo = (registry: Pick<Registry, 'enter'>) => (wire: Wire, context: AskContext) => {
    const onRefused = (code: string) => void refused.push(code)
    return new Connection({ registry, assistant: () => assistant, onRefused }, wire, context)
  }
  const lender = createLender({ registry, vault, connectTo })
  void peers.serve(lender.accept)
  const connect = (address = 'visitor') => {
    const rule = { name: 'connection', burst: options.burst ?? 1000, perMinute: 1 }
    const context = { addressKey: address, takes: [{ rule, key: random.token(12) }] }
    return createClient((wire) => connectTo(registry)(wire, context))
  }
  const enter: Chat['enter'] = async (session, answer) => {
    const client = connect()
    await client.send({ type: 'hello', ...(session !== undefined && { session }), ...(answer && { answer }) })
    return client
  }
  const die = () => joined?.die()
  return { clock, model, wallet, store, buckets, streams, registry, lender, die, lines, refused, connect, enter }
}

/** Two processes, one store; time, the model and the wallet are the same for both. */
export function createTwo(options: ChatOptions = {}): { one: Chat; two: Chat; hub: Hub } {
  const [clock, random] = [manualClock(), countingRandom()]
  const shared = hub(memoryStore(clock).conversations)
  const parts = { hub: shared, clock, random, model: scriptedModel(), wallet: recordingWallet() }
  const one = createChat({ ...options, process: { ...parts, name: 'one' } })
  const two = createChat({ ...options, process: { ...parts, name: 'two' } })
  return { one, two, hub: shared }
}

function createClient(open: (wire: Wire) => Connection): Client {
  const received: ServerMessage[] = []
  const closes: number[] = []
  let connected = true
  let read = 0
  const connection = open({
    send(message) {
      if (connected) received.push(structuredClone(message))
    },
    close({ code }) {
      if (connected) closes.push(code)
      connected = false
    },
  })
  const raw = (text: string) => {
    if (connected) connection.receive(text)
    return calm()
  }
  const send = (message: ClientMessage) => raw(JSON.stringify(message))
  return {
    received,
    closes,
    get session() {
      return received.findLast((message) => message.type === 'welcome')?.session ?? ''
    },
    send,
    raw,
    ask: (id, text = `Question ${id} ?`) => send({ type: 'ask', id, text }),
    drop() {
      connected = false
      connection.closed()
      return calm()
    },
    fresh() {
      const since = received.slice(read)
      read = received.length
      return since
    },
  }
}

/** Says the code for a sentence, and what the history was for an instruction. */
function plainAssistant(fallback: string | undefined): Assistant {
  const persona = {
    name: 'Test',
    greeting: '',
    placeholder: '',
    suggestions: [],
    contact: {},
    notice: '',
    linkHosts: [],
  }
  return {
    view: () => persona,
    pickLang: (wanted) => (wanted === 'en' ? 'en' : 'fr'),
    sentence: (code, lang) => `${lang}: ${code}`,
    request(question, history) {
      const earlier = history.flatMap((turn) => [
        { role: 'user' as const, text: turn.question },
        { role: 'model' as const, text: turn.answer },
      ])
      return { system: 'S', turns: [...earlier, { role: 'user', text: question }], maxOutputTokens: 100 }
    },
    filter: createFilters([FORBIDDEN]),
    fallback: () => fallback,
    knows: () => true,
  }
}

const countingBuckets = (buckets: Buckets, counter: { broken: boolean; taken: number }): Buckets => ({
  async take(takes) {
    if (counter.broken) throw new Error('the store is out of order')
    const taken = await buckets.take(takes)
    if (taken.ok) counter.taken++
    return taken
  },
  peek: (takes) => buckets.peek(takes),
})

/** Tokens are numbers in order, chance stands in the middle. */
function countingRandom(): Random {
  let count = 0
  return { float: () => 0.5, token: (bytes) => `${++count}`.padStart(Math.ceil((bytes * 4) / 3), '0') }
}

/** One line per message, for comparing whole talks: `start q1 model`, `delta q1 0 "Bon"`, `done q1 complete 3`. */
export function brief(messages: readonly ServerMessage[]): string[] {
  return messages.map((m) => {
    if (m.type === 'welcome')
      return `welcome ${m.resumed ? 'resumed' : 'new'} ${m.turns.map((turn) => `${turn.id}:${turn.state}`).join(' ')}`.trim()
    if (m.type === 'start') return `start ${m.id} ${m.source}`
    if (m.type === 'delta') return `delta ${m.id} ${m.offset} ${JSON.stringify(m.text)}`
    if (m.type === 'done') return `done ${m.id} ${m.reason} ${m.length}`
    if (m.type === 'error') return `error ${m.id ?? '-'} ${m.code}`
    return m.type
  })
}

/** An answer's text from its deltas, each of which must go on exactly where the one before ended. */
export function textOf(messages: readonly ServerMessage[], id: string, from = 0): string {
  let text = ''
  for (const message of messages) {
    if (message.type !== 'delta' || message.id !== id) continue
    assert.is(message.offset, from + text.length, `a gap or a double in ${id}`)
    text += message.text
  }
  return text
}

/** Leaves a session with one finished turn, q1, in the store alone; resolves with its token. */
export async function finished(chat: Chat, text = 'Oui.'): Promise<string> {
  const client = await chat.enter()
  await client.ask('q1')
  chat.model.last().say(text)
  chat.model.last().end()
  await calm()
  await client.drop()
  return client.session
}

/** What must hold whenever nobody is there and nothing is on its way. */
export function assertIdle(chat: Chat): void {
  assert.is(chat.clock.pending(), 0, 'a timer is left')
  assert.is(chat.streams.count, 0, 'a stream is left')
  assert.is(chat.registry.size, 0, 'a session is left')
  for (const hold of chat.wallet.holds) assert.is(hold.outcomes.length, 1, 'each hold is settled once')
}
