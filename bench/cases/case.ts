import type { Upstream } from '../house.ts'

/** What a case has found: a table, what was wanted, and why it may not count. */
export type Goal = { what: string; wanted: string; seen: string; reached: boolean }
export type Section = {
  title: string
  note?: string
  columns: readonly string[]
  rows: readonly (readonly string[])[]
  goals: readonly Goal[]
  /** Why nothing can be concluded, if so. */
  noisy: readonly string[]
  /** SVG by file name. */
  pictures: Readonly<Record<string, string>>
}
export type Bench = {
  upstream: Upstream
  short: boolean
  rounds: number
  only: readonly string[]
  progress(words: string): void
}
export type Case = (bench: Bench) => Promise<Section[]>
