import type { EndReason, Usage } from '../../protocol/messages.ts'
import type { Model, ModelEvent, ModelFailure, ModelRequest, ModelUsage } from '../model/port.ts'
import type { Hold, Outcome } from '../quota/port.ts'
import type { Filter } from './filter.ts'
import type { Slot } from './streams.ts'

/** What came out of one question, as the session is told. `end` or `failed` comes exactly once, then silence. */
export type AnswerEvents = {
  text(text: string): void
  end(reason: EndReason, usage: Usage | undefined): void
  /** Nothing was said yet: the session may still answer otherwise. */
  failed(failure: ModelFailure): void
}
export type AnswerParts = {
  model: Model
  request: ModelRequest
  hold: () => Hold
  filter: Filter
  slot: Slot
  events: AnswerEvents
}
/** `stop` ends it for the visitor at once; the rest is read silently when a drain is free, else cut off. */
export type Answer = { stop(reason: 'stopped' | 'interrupted'): void; readonly closed: Promise<void> }

/** Streams one answer from the model, filtered, and settles its hold. Never throws; `closed` never rejects. */
export function startAnswer(parts: AnswerParts): Answer {
  const { events, filter, slot } = parts
  const abort = new AbortController()
  let ended = false
  let said = false
  let usage: ModelUsage | undefined

  const pass = (text: string) => {
    if (text === '' || ended) return
    said = true
    events.text(text)
  }
  const end = (reason: EndReason) => {
    if (ended) return
    ended = true
    events.end(reason, usage)
  }
  const flushThenEnd = (reason: EndReason) => {
    if (ended) return
    const rest = filter.flush()
    pass(rest.pass)
    end(rest.hit ? 'filtered' : reason)
  }
  const drainOrCut = () => {
    if (!slot.drain()) abort.abort()
  }
  const onText = (text: string) => {
    if (ended) return
    const { pass: clean, hit } = filter.push(text)
    pass(clean)
    if (!hit) return
    end('filtered')
    drainOrCut()
  }
  const fail = (failure: ModelFailure) => {
    ended = true
    events.failed(failure)
  }
  const onFailure = (failure: ModelFailure) => {
    if (ended) return
    if (said) flushThenEnd('interrupted')
    else fail(failure)
  }
  /** A stream that broke off before its first word is a failure like any other: somebody else may still answer. */
  const onBrokenOff = () => {
    if (ended) return
    const rest = filter.flush()
    pass(rest.pass)
    if (said || rest.hit) end(rest.hit ? 'filtered' : 'interrupted')
    else fail({ kind: 'upstream_error', billing: 'unknown', retryable: false })
  }
  const onEvent = (event: ModelEvent) => {
    if (event.usage) {
      if (!usage && (event.type === 'usage' || event.type === 'text'))
        void parts.hold().tighten(event.usage.promptTokens)
      usage = event.usage
    }
    if (event.type === 'text') return onText(event.text)
    if (event.type === 'end') return event.reason === 'interrupted' ? onBrokenOff() : flushThenEnd(event.reason)
    if (event.type === 'failure') onFailure(event.failure)
  }

  slot.onCut(() => abort.abort())
  const run = async () => {
    let outcome: Outcome = { kind: 'unknown' }
    for await (const event of parts.model.answer(parts.request, abort.signal)) {
      onEvent(event)
      outcome = outcomeOf(event, outcome)
    }
    await parts.hold().settle(outcome)
    slot.close()
  }
  return {
    stop(reason) {
      if (ended) return
      // What the filter still holds back has not passed it, so it stays unsaid.
      end(reason)
      drainOrCut()
    },
    closed: run(),
  }
}

/** Only the last event's usage is final; a failure without a complete HTTP answer may be billed in full. */
function outcomeOf(event: ModelEvent, before: Outcome): Outcome {
  if (event.type === 'end')
    return event.usage && event.reason !== 'interrupted' ? { kind: 'usage', usage: event.usage } : { kind: 'unknown' }
  if (event.type === 'failure') return { kind: event.failure.billing }
  return before
}
