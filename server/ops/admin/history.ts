import type { AdminHistory, AdminSample } from '../../../protocol/admin.ts'

/** The latest samples, oldest first. */
export type History = { add(sample: AdminSample): void; columns(): AdminHistory }

export function createHistory(kept: number): History {
  const ring: AdminSample[] = []
  let next = 0
  return {
    add(sample) {
      ring[next] = sample
      next = (next + 1) % kept
    },
    columns() {
      const samples = [...ring.slice(next), ...ring.slice(0, next)]
      return {
        at: samples.map(({ at }) => at),
        connections: samples.map(({ connections }) => connections),
        streams: samples.map(({ streams }) => streams),
        firstP50: samples.map(({ firstP50 }) => firstP50),
        firstP95: samples.map(({ firstP95 }) => firstP95),
        questions: samples.map(({ questions }) => questions),
        refused: samples.map(({ refused }) => refused),
      }
    },
  }
}
