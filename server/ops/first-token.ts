import type { Meter } from '../meter.ts'

const REMEMBERED = 100

/** The same meter, and the median time to the first text of the last hundred answers of the model, in ms. */
export function withFirstToken(meter: Meter): { meter: Meter; medianMs(): number | undefined } {
  const times: number[] = []
  return {
    meter: {
      ...meter,
      questionEnded(question) {
        meter.questionEnded(question)
        if (question.firstTextMs === undefined || question.source === 'knowledge') return
        times.push(question.firstTextMs)
        if (times.length > REMEMBERED) times.shift()
      },
    },
    medianMs: () => [...times].sort((a, b) => a - b)[Math.ceil(times.length / 2) - 1],
  }
}
