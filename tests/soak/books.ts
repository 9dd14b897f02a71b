import { type Manner, mostCalls, type Plan, planOf } from './plan.ts'

export type Counts = Record<
  'asked' | 'answered' | 'cut' | 'stopped' | 'forgotten' | 'refused' | 'drops' | 'reloads' | 'returns' | 'calls',
  number
>

/** What was asked, what came of it, and what should not have been. */
export type Books = {
  readonly counts: Counts
  /** Each different complaint once, with how often. */
  readonly complaints: ReadonlyMap<string, number>
  count(what: keyof Counts): void
  complain(why: string): void
  ask(name: string): Plan
  /** What the upstream does with a question. */
  called(question: string): Plan['order'] | undefined
  callsOf(plan: Plan): number
  /** The question has had its end. */
  close(plan: Plan): void
  readonly open: number
  /** Resolves when so many questions have been asked. */
  asked(count: number): Promise<void>
}

const MOST_COMPLAINTS = 50
// A call may still be on its way when a visitor has already stopped it.
const KEPT = 500

export function createBooks(random: () => number, manner: Manner): Books {
  const plans = new Map<string, { plan: Plan; calls: number }>()
  const complaints = new Map<string, number>()
  const counts: Counts = {
    asked: 0,
    answered: 0,
    cut: 0,
    stopped: 0,
    forgotten: 0,
    refused: 0,
    drops: 0,
    reloads: 0,
    returns: 0,
    calls: 0,
  }
  const closed: string[] = []
  const waiting = new Set<() => void>()
  const complain = (why: string) => {
    if (complaints.size < MOST_COMPLAINTS || complaints.has(why)) complaints.set(why, (complaints.get(why) ?? 0) + 1)
  }
  return {
    counts,
    complaints,
    complain,
    count: (what) => {
      counts[what]++
    },
    ask(name) {
      const plan = planOf(name, random, manner)
      plans.set(plan.question, { plan, calls: 0 })
      counts.asked++
      for (const check of [...waiting]) check()
      return plan
    },
    asked: (count) =>
      new Promise((resolve) => {
        const check = () => {
          if (counts.asked < count) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
    called(question) {
      const entry = plans.get(question)
      counts.calls++
      if (!entry) {
        complain(`a call for a question that is over: ${question}`)
        return undefined
      }
      entry.calls++
      if (entry.calls > mostCalls(entry.plan)) complain(`${entry.calls} calls for ${question} (${entry.plan.scenario})`)
      // Refused once, it is answered the next time.
      const again = entry.plan.fate === 'again' && entry.calls > 1
      return again ? { ...entry.plan.order, name: 'ok' } : entry.plan.order
    },
    callsOf: ({ question }) => plans.get(question)?.calls ?? 0,
    close({ question }) {
      closed.push(question)
      for (const old of closed.splice(0, closed.length - KEPT)) plans.delete(old)
    },
    get open() {
      return plans.size - closed.length
    },
  }
}
