import * as assert from 'uvu/assert'
import type { ServerMessage } from '../../protocol/messages.ts'
import type { Chat, Client } from './chat.ts'

/** A turn as somebody saw it end. */
export type Seen = { reason: string; text: string; source: string }
/** What all tabs together know: the turns seen per token, and what became of tokens that were to be forgotten. */
export type Memory = {
  seen: Map<string, Map<string, Seen>>
  asked: Map<string, string[]>
  forgetting: Set<string>
  dead: Set<string>
}

type Reading = { text: string; source: string; open: boolean; started: boolean }

/** A tab that keeps its texts over lost connections, and holds the server to its word at every message. */
export class Tab {
  client: Client | undefined
  token: string | undefined
  private latest: string | undefined
  private readonly readings = new Map<string, Reading>()
  private readonly pending = new Set<string>()
  /** How many errors an id may still get: one for each time it was asked. */
  private readonly errors = new Map<string, number>()
  private readonly stops = new Set<string>()

  constructor(
    private readonly chat: Chat,
    private readonly memory: Memory,
  ) {}

  /** Comes (back), naming `part` of what it has of its latest answer (1: all, more: past the end); undefined: none. */
  connect(token: string | undefined, part: number | undefined): void {
    if (this.client) return
    this.client = this.chat.connect()
    const { latest: id } = this
    const had = id === undefined ? 0 : this.of(id).text.length
    const answer = id !== undefined && part !== undefined && { id, offset: Math.floor(part > 1 ? 1e6 : part * had) }
    void this.client.send({ type: 'hello', ...(token !== undefined && { session: token }), ...(answer && { answer }) })
  }

  ask(id: string): void {
    if (!this.client) return
    const token = this.client.session
    this.memory.asked.set(token, [...(this.memory.asked.get(token) ?? []), id])
    this.pending.add(id)
    this.errors.set(id, (this.errors.get(id) ?? 0) + 1)
    void this.client.ask(id)
  }

  stop(id: string): void {
    this.stops.add(id)
    void this.client?.send({ type: 'stop', id })
  }

  forget(): void {
    // Before its welcome a tab has nothing to forget.
    if (!this.client?.session) return
    this.memory.forgetting.add(this.client.session)
    void this.client.send({ type: 'forget' })
  }

  drop(): void {
    this.read()
    void this.client?.drop()
    this.client = undefined
    this.pending.clear()
    this.errors.clear()
    this.stops.clear()
    for (const reading of this.readings.values()) reading.open = false
  }

  /** Takes in what came, and leaves when the server has closed. */
  read(): void {
    for (const message of this.client?.fresh() ?? []) this.take(message)
    if (this.client && this.client.closes.length > 0) {
      void this.client.drop()
      this.client = undefined
      this.drop()
    }
  }

  /** Nothing is on its way: every ask has had its end, and no answer is open. */
  assertAtRest(): void {
    assert.equal([...this.pending], [], 'asks without an end')
    const open = [...this.readings].filter(([, reading]) => reading.open).map(([id]) => id)
    assert.equal(open, [], 'answers without an end')
  }

  private of(id: string): Reading {
    const reading = this.readings.get(id) ?? { text: '', source: '', open: false, started: false }
    this.readings.set(id, reading)
    return reading
  }

  private take(message: ServerMessage): void {
    if (message.type === 'welcome') this.token = message.session
    else if (message.type === 'forgotten') this.forgotten()
    else if (message.type === 'error') this.error(message.code, message.id)
    else this.follow(message, this.of(message.id))
  }

  private follow(message: Extract<ServerMessage, { type: 'start' | 'delta' | 'done' }>, reading: Reading): void {
    if (message.type === 'start') {
      this.latest = message.id
      Object.assign(reading, { open: true, started: true, source: message.source })
      return
    }
    assert.ok(reading.open, `${message.type} of ${message.id} without a start`)
    if (message.type === 'delta') {
      const exact = reading.started ? message.offset <= reading.text.length : message.offset === reading.text.length
      assert.ok(exact, `${message.id}: ${message.offset} does not follow ${reading.text.length}`)
      reading.started = false
      reading.text = reading.text.slice(0, message.offset) + message.text
      return
    }
    assert.is(message.length, reading.text.length, `${message.id}: the proof does not close`)
    reading.open = false
    this.pending.delete(message.id)
    const turns = this.memory.seen.get(this.token ?? '') ?? new Map<string, Seen>()
    const { text, source } = reading
    const before = turns.get(message.id)
    if (before) assert.equal(before, { reason: message.reason, text, source })
    turns.set(message.id, { reason: message.reason, text, source })
    this.memory.seen.set(this.token ?? '', turns)
  }

  private error(code: string, id: string | undefined): void {
    if (code === 'internal') this.memory.forgetting.delete(this.token ?? '')
    if (id === undefined) return
    const left = this.errors.get(id) ?? 0
    assert.ok(left > 0 || (code === 'bad_message' && this.stops.has(id)), `${code} for ${id}, not asked`)
    this.errors.set(id, Math.max(0, left - 1))
    this.pending.delete(id)
    this.of(id).open = false
  }

  private forgotten(): void {
    const token = this.token ?? ''
    this.memory.dead.add(token)
    this.memory.seen.delete(token)
  }
}
