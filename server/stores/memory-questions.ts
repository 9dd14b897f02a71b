import { MOST_QUESTIONS, type QuestionStore } from '../chat/ports.ts'
import type { Clock } from '../clock.ts'

/** Questions for the report that are forgotten at exit. `assertOpen` throws once the store is closed. */
export function memoryQuestions(clock: Clock, assertOpen: () => void): QuestionStore {
  let kept: Parameters<QuestionStore['keep']>[0][] = []
  return {
    async keep(question) {
      assertOpen()
      if (kept.length < MOST_QUESTIONS) kept.push(question)
    },
    async between(from, to) {
      assertOpen()
      const now = clock.now()
      const found = kept.filter(({ at, expiresAt }) => at >= from && at < to && expiresAt > now)
      return found.sort((a, b) => a.at - b.at).map(({ blob }) => blob)
    },
    async erase(owner) {
      assertOpen()
      kept = kept.filter((question) => question.owner !== owner)
    },
    async sweep(now) {
      assertOpen()
      kept = kept.filter(({ expiresAt }) => expiresAt > now)
    },
  }
}
