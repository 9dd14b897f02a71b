import { type Child, startChild } from './children.ts'
import type { Heard, Load } from './load/job.ts'
import { coresOf } from './machine.ts'

/** One line of a generator. Which fields it has, its job says. */
export type Word = Partial<Heard> & {
  at: string
  count?: number
  rate?: number
  late?: boolean
  streams?: number
  open?: number
  tries?: number
  refused?: number
  admitted?: number
  asks?: number
  expected?: number
  back?: number[]
  close?: number
}
export type Generator = {
  pid: number
  /** The first word that fits, said already or to come; ten minutes at most. */
  word(fits: (word: Word) => boolean): Promise<Word>
  /** Resolves when it has ended, by itself or not. */
  ended: Promise<void>
  end(): Promise<void>
}

const MOST_MS = 600_000

/** Runs one job in a process of its own, beside the server's core. */
export async function startGenerator(load: Load): Promise<Generator> {
  const args = ['--import', 'tsx', 'bench/load/main.ts', JSON.stringify(load)]
  const child: Child = await startChild(args, {}, (line) => (line.startsWith('{') ? line : undefined), coresOf().others)
  const words: Word[] = []
  const waiting = new Set<(word: Word) => void>()
  child.onLine((line) => {
    const word: Word = JSON.parse(line)
    words.push(word)
    for (const hear of waiting) hear(word)
  })
  const lost = new Promise<never>((_, reject) => {
    void child.ended.then(() => reject(new Error(`the generator (${load.job.at}) ended early\n${child.complaints()}`)))
  })
  lost.catch(() => {})
  const word = (fits: (word: Word) => boolean) =>
    new Promise<Word>((resolve, reject) => {
      const known = words.find(fits)
      if (known) return resolve(known)
      const hear = (word: Word) => {
        if (!fits(word)) return
        clearTimeout(late)
        waiting.delete(hear)
        resolve(word)
      }
      const late = setTimeout(() => reject(new Error(`no such word in time\n${child.complaints()}`)), MOST_MS)
      waiting.add(hear)
    })
  // The last word may come with the end itself.
  const wordOrEnd = (fits: (word: Word) => boolean) => {
    const said = word(fits)
    return Promise.race([said, lost.catch((error: unknown) => (words.some(fits) ? said : Promise.reject(error)))])
  }
  return { pid: child.pid, word: wordOrEnd, ended: child.ended, end: child.end }
}

/** For `word`: the one with this name. */
export const named =
  (at: string) =>
  (word: Word): boolean =>
    word.at === at
