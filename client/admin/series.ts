import type { AdminBudget, AdminHistory, AdminSample } from '../../protocol/admin.ts'
import type { PlotData } from './plot.ts'

const KEPT = 1800
const SLOT_MS = 5 * 60_000

/** Adds a sample, and lets go of the oldest beyond an hour. */
export function append(history: AdminHistory, sample: AdminSample): AdminHistory {
  // What comes at once after a welcome may be the last one again.
  if (sample.at <= (history.at.at(-1) ?? 0)) return history
  const grown = <T>(column: readonly T[], value: T): T[] => [...column.slice(1 - KEPT), value]
  return {
    at: grown(history.at, sample.at),
    connections: grown(history.connections, sample.connections),
    streams: grown(history.streams, sample.streams),
    firstP50: grown(history.firstP50, sample.firstP50),
    firstP95: grown(history.firstP95, sample.firstP95),
    questions: grown(history.questions, sample.questions),
    refused: grown(history.refused, sample.refused),
  }
}

/** Columns as a plot over time takes them. */
export const overTime = ({ at }: AdminHistory, ...lines: (number | null)[][]): PlotData => [
  at.map((ms) => ms / 1000),
  ...lines,
]

/** Booked, released and cap over the hours of the day; what is booked ends now. */
export function budgetLines({ hourNow, curve, pace, spent, held, released, cap }: AdminBudget): PlotData {
  const whole = Array.from({ length: 25 }, (_, hour) => hour)
  const hours = [...new Set([...whole, hourNow])].sort((a, b) => a - b)
  const booked = (hour: number) => {
    if (hour > hourNow) return null
    if (hour === hourNow) return spent + held
    return hour === 0 ? 0 : (curve[hour - 1] ?? null)
  }
  return [hours, hours.map(booked), hours.map((hour) => pace[hour] ?? released), hours.map(() => cap)]
}

export type Slot = AdminSample

/** The most of every five minutes, the latest first. */
export function slotsOf(history: AdminHistory): Slot[] {
  const slots = new Map<number, Slot>()
  history.at.forEach((at, i) => {
    const began = at - (at % SLOT_MS)
    const slot = slots.get(began)
    const most = (now: number | undefined, before: number | undefined) => Math.max(now ?? 0, before ?? 0)
    const slowest = (now: number | null | undefined, before: number | null | undefined) =>
      now == null ? (before ?? null) : Math.max(now, before ?? 0)
    slots.set(began, {
      at: began,
      connections: most(history.connections[i], slot?.connections),
      streams: most(history.streams[i], slot?.streams),
      firstP50: slowest(history.firstP50[i], slot?.firstP50),
      firstP95: slowest(history.firstP95[i], slot?.firstP95),
      questions: most(history.questions[i], slot?.questions),
      refused: most(history.refused[i], slot?.refused),
    })
  })
  return [...slots.values()].reverse()
}
