import type { Model, ModelEvent, ModelFailure, ModelRequest, ModelUsage } from '../../server/model/port.ts'

export const USAGE: ModelUsage = { promptTokens: 100, outputTokens: 20 }
/** A failure that Google may bill; `free` ones come with a whole HTTP answer. */
export const BROKEN: ModelFailure = { kind: 'network', billing: 'unknown', retryable: true }
export const REFUSED: ModelFailure = { kind: 'unavailable', billing: 'free', retryable: true, status: 503 }

/** One call of the model: what it was asked, and the hand that plays its events. */
export type Call = {
  readonly request: ModelRequest
  /** Ended by its last event, by an abort, or because its reader left. */
  readonly over: boolean
  readonly aborted: boolean
  say(...texts: string[]): void
  usage(usage?: ModelUsage): void
  /** `usage` null: the end tells none. */
  end(reason?: 'complete' | 'length' | 'filtered' | 'interrupted', usage?: ModelUsage | null): void
  fail(failure?: ModelFailure): void
}
export type ScriptedModel = Model & { readonly calls: readonly Call[]; last(): Call }

/** A model that says what the test plays, one event at a time. An abort ends it with failure `aborted`. */
export function scriptedModel(): ScriptedModel {
  const calls: Call[] = []
  return {
    calls,
    last() {
      const call = calls.at(-1)
      if (!call) throw new Error('the model was not called')
      return call
    },
    answer(request, signal) {
      const { call, events } = newCall(request, signal)
      calls.push(call)
      return events
    },
  }
}

function newCall(request: ModelRequest, signal: AbortSignal): { call: Call; events: AsyncIterable<ModelEvent> } {
  const queue: ModelEvent[] = []
  let wake = () => {}
  let over = false
  const play = (event: ModelEvent) => {
    if (over) return
    over = event.type === 'end' || event.type === 'failure'
    queue.push(event)
    wake()
  }
  const aborted: ModelFailure = { kind: 'aborted', billing: 'unknown', retryable: false }
  signal.addEventListener('abort', () => play({ type: 'failure', failure: aborted }), { once: true })
  async function* events(): AsyncGenerator<ModelEvent> {
    try {
      for (;;) {
        const event = queue.shift()
        if (event) yield event
        else if (over) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      over = true
    }
  }
  const call: Call = {
    request,
    get over() {
      return over
    },
    get aborted() {
      return signal.aborted
    },
    say(...texts) {
      for (const text of texts) play({ type: 'text', text })
    },
    usage: (usage = USAGE) => play({ type: 'usage', usage }),
    end: (reason = 'complete', usage = USAGE) => play({ type: 'end', reason, ...(usage && { usage }) }),
    fail: (failure = BROKEN) => play({ type: 'failure', failure }),
  }
  return { call, events: events() }
}
