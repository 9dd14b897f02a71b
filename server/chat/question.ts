import type { EndReason, ErrorCode, Source, Usage } from '../../protocol/messages.ts'
import type { Clock } from '../clock.ts'
import type { LogFields } from '../log.ts'
import type { Model, ModelFailure, ModelRequest } from '../model/port.ts'
import type { Hold } from '../quota/port.ts'
import type { Admission, Admitted, AskContext, Refused } from './admission.ts'
import { type Answer, startAnswer } from './answer.ts'
import type { Exchange } from './conversation.ts'
import type { Filter } from './filter.ts'
import { type Joined, joined } from './joined.ts'
import type { Turn } from './turn.ts'

/** What is known of a question once it has ended: sizes and times in ms, never contents. */
export type QuestionLine = {
  id: string
  /** Names the connection that asked. */
  c?: string
  outcome: EndReason | ErrorCode
  source?: Source
  cause?: string
  chars: number
  answerChars: number
  firstTextMs?: number
  totalMs: number
  attempts?: number
  usage?: Usage
}

export type QuestionParts = {
  clock: Clock
  admission: Admission
  /** The model with its retries; `mayRetry` is asked before each, and its lines in the log carry `trace`. */
  model: (mayRetry: (failure: ModelFailure) => Promise<boolean>, trace: LogFields) => Model
  source: Source
  onQuestion: (line: QuestionLine) => void
  /** Milliseconds between two pieces of one answer. */
  onGap?: (ms: number) => void
  /** Pieces of an answer that come within so many milliseconds are said together. */
  joinMs: number
  /** Calls back once what is under way has left this process. */
  soon: (work: () => void) => void
}

/** What a question needs of its session. */
export type QuestionHost = {
  nextTurn(): number
  /** When the first kept question was admitted (epoch ms); undefined: this is the first. */
  since(): number | undefined
  history(): readonly Exchange[]
  request(question: string, history: readonly Exchange[]): ModelRequest
  filter(): Filter
  /** An answer without the model, where one is allowed. */
  fallback(question: string): string | undefined
  /** Stores the turn as it stands; waits for the store but never rejects. */
  save(turn: Turn): Promise<void>
  /** The turn is one of the session's from now on, and every socket hears `start`. */
  admitted(turn: Turn): void
  /** `start` once more: the turn's source is another one. */
  started(turn: Turn): void
  text(turn: Turn, text: string): void
  done(turn: Turn, reason: EndReason): void
  /** It ended without an answer: `turn` when it had been admitted. */
  refused(refusal: Pick<Refused, 'code' | 'retryAfterMs' | 'challenge'>, turn: Turn | undefined): void
}

/** One question from its ask to its one end. `settled` resolves after that end and never rejects. */
export class Question {
  turn: Turn | undefined
  readonly settled: Promise<void>
  private answer: Answer | undefined
  private ending: 'stopped' | 'interrupted' | undefined
  private readonly askedAt: number
  private firstTextAt: number | undefined
  private lastTextAt: number | undefined
  private attempts = 1
  private shown = false
  private joined: Joined | undefined

  constructor(
    private readonly parts: QuestionParts,
    private readonly host: QuestionHost,
    private readonly who: AskContext,
    readonly id: string,
    private readonly text: string,
    private readonly proof?: string,
  ) {
    this.askedAt = parts.clock.monotonic()
    this.settled = this.run()
  }

  /** Ends it for the visitor at once, also while it is still being admitted. */
  stop(reason: 'stopped' | 'interrupted'): void {
    this.ending ??= reason
    this.answer?.stop(reason)
  }

  private async run(): Promise<void> {
    const since = this.host.since()
    const compose = () => this.host.request(this.text, this.host.history())
    const result = await this.parts.admission.admit(this.who, compose, since, this.proof)
    if (!result.ok) return this.withoutModel(result)
    const turn = await this.open(this.parts.source, result.remaining)
    if (this.ending) {
      await result.hold.settle({ kind: 'free' })
      result.slot.close()
      return this.close(turn, this.ending)
    }
    await this.stream(turn, result, since)
  }

  private async open(source: Source, remaining: number): Promise<Turn> {
    const turn: Turn = {
      n: this.host.nextTurn(),
      id: this.id,
      question: this.text,
      at: this.parts.clock.now(),
      remaining,
      source,
      answer: '',
      state: 'streaming',
    }
    this.turn = turn
    // Before the model is called: whoever asks again after a crash must not pay twice.
    await this.host.save(turn)
    return turn
  }

  private show(turn: Turn): void {
    if (this.shown) return
    this.shown = true
    this.host.admitted(turn)
  }

  private stream(turn: Turn, admitted: Admitted, since: number | undefined): Promise<void> {
    let hold: Hold = admitted.hold
    const mayRetry = async ({ billing }: ModelFailure) => {
      // Nobody waits for this answer any more: it isn't worth another call.
      if (this.ending) return false
      if (billing === 'unknown') {
        await hold.settle({ kind: 'unknown' })
        const next = await this.parts.admission.reserve(this.who, admitted.request, since)
        if (!next) return false
        hold = next
      }
      this.attempts++
      return true
    }
    return new Promise((resolve) => {
      this.answer = startAnswer({
        model: this.parts.model(mayRetry, { c: this.who.c, id: this.id }),
        request: admitted.request,
        hold: () => hold,
        filter: this.host.filter(),
        slot: admitted.slot,
        events: {
          text: (text) => this.say(turn, text),
          end: (reason, usage) => void this.close(turn, reason, usage).then(resolve),
          failed: (failure) => void this.failed(turn, failure).then(resolve),
        },
      })
      // The visitor hears that it started while the model reads it, rather than before the model gets it.
      const show = () => this.parts.soon(() => this.show(turn))
      const { ready } = admitted.request
      if (ready) void ready.then(show)
      else show()
    })
  }

  private say(turn: Turn, text: string): void {
    const now = this.parts.clock.monotonic()
    this.firstTextAt ??= now
    if (this.lastTextAt !== undefined) this.parts.onGap?.(now - this.lastTextAt)
    this.lastTextAt = now
    this.joined ??= joined(this.parts.clock, this.parts.joinMs, (together) => {
      this.show(turn)
      this.host.text(turn, together)
    })
    this.joined.push(text)
  }

  private async close(turn: Turn, reason: EndReason, usage?: Usage, cause?: string): Promise<void> {
    this.joined?.flush()
    this.show(turn)
    const ended: Turn = { ...turn, state: reason, ...(usage && { usage }) }
    // Stored before it is announced: whoever saw `done` finds the turn again after a crash.
    await this.host.save(ended)
    turn.state = reason
    if (usage) turn.usage = usage
    this.host.done(turn, reason)
    this.report(reason, turn, usage, cause)
  }

  private async failed(turn: Turn, failure: ModelFailure): Promise<void> {
    this.show(turn)
    const unstored = failure.kind === 'store'
    const text = unstored ? undefined : this.host.fallback(this.text)
    if (text !== undefined) {
      turn.source = 'knowledge'
      this.host.started(turn)
      return this.sayWhole(turn, text, failure.kind)
    }
    await this.host.save({ ...turn, state: 'interrupted' })
    turn.state = 'interrupted'
    const waited = failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }
    const code = unstored ? 'overloaded' : 'model_unavailable'
    this.host.refused({ code, ...waited }, turn)
    this.report(code, turn, undefined, failure.kind)
  }

  /** Budget out: the knowledge answers if it may; any other refusal ends the question here. */
  private async withoutModel(refused: Refused): Promise<void> {
    const text = refused.code === 'budget_exhausted' ? this.host.fallback(this.text) : undefined
    if (text !== undefined) return this.answerFrom(text, refused)
    this.host.refused(refused, undefined)
    this.report(refused.code, undefined, undefined, refused.cause)
  }

  private async answerFrom(text: string, { remaining = 0, cause }: Refused): Promise<void> {
    const turn = await this.open('knowledge', remaining)
    return this.ending ? this.close(turn, this.ending, undefined, cause) : this.sayWhole(turn, text, cause)
  }

  private async sayWhole(turn: Turn, text: string, cause: string | undefined): Promise<void> {
    this.say(turn, text)
    await this.close(turn, 'complete', undefined, cause)
  }

  private report(outcome: QuestionLine['outcome'], turn: Turn | undefined, usage?: Usage, cause?: string): void {
    const { clock, onQuestion } = this.parts
    onQuestion({
      id: this.id,
      ...(this.who.c !== undefined && { c: this.who.c }),
      outcome,
      chars: this.text.length,
      answerChars: turn?.answer.length ?? 0,
      totalMs: Math.round(clock.monotonic() - this.askedAt),
      attempts: this.attempts,
      ...(turn && { source: turn.source }),
      ...(cause !== undefined && { cause }),
      ...(usage && { usage }),
      ...(this.firstTextAt !== undefined && { firstTextMs: Math.round(this.firstTextAt - this.askedAt) }),
    })
  }
}
