import { setMaxListeners } from 'node:events'
import { seeded } from '../../bench/fairness-people.ts'
import { startEmulator } from '../../emulator/emulator.ts'
import type { BuiltApp } from '../helpers/built-app.ts'
import { type Books, createBooks } from './books.ts'
import { type House, openHouse } from './house.ts'
import type { Manner } from './plan.ts'
import { keepVisiting } from './visitor.ts'

export type SoakOptions = Manner & {
  visitors: number
  seed: number
  /** What a visitor thinks, in ms on the average. */
  thinkMs: number
  /** How many questions a visitor asks at most. */
  questions: number
  /** Between one arrival and the next, in ms. */
  arrivalMs: number
  inspected?: boolean
  settings?: Record<string, string>
}
export type Soak = {
  books: Books
  house: House
  /** Everybody has his answer and goes; what is left open is a complaint. */
  leave(): Promise<void>
  close(): Promise<void>
}

const PER_ADDRESS = 4

/** Visitors at the built server, in a process of its own, before an emulator in this one that fails now and then. */
export async function openSoak(app: BuiltApp, options: SoakOptions): Promise<Soak> {
  const random = seeded(options.seed)
  const books = createBooks(random, options)
  const emulator = await startEmulator({ key: 'key-of-the-soak', orderOf: books.called })
  const { inspected = false, settings = {} } = options
  const house = await openHouse(app, emulator.url, { inspected, more: settings })
  const leaving = new AbortController()
  // One for each visitor who thinks.
  setMaxListeners(0, leaving.signal)
  const world = {
    ...options,
    url: () => house.url,
    books,
    random,
    leaving: () => leaving.signal.aborted,
    leave: leaving.signal,
  }
  const places = Array.from({ length: options.visitors }, (_, place) =>
    keepVisiting(world, place, addressOf(place), place * options.arrivalMs),
  )
  return {
    books,
    house,
    async leave() {
      leaving.abort()
      await Promise.all(places)
      const { requests } = await emulator.changed(({ open }) => open === 0)
      if (requests !== books.counts.calls) books.complain(`${requests} calls in the ledger, ${books.counts.calls} here`)
      if (books.open > 0) books.complain(`${books.open} questions without an end`)
    },
    async close() {
      const code = await house.close()
      if (code !== 0) books.complain(`the server ended with ${code}`)
      await emulator.close()
    },
  }
}

/** Some visitors share an address. */
const addressOf = (place: number): string => {
  const n = Math.floor(place / PER_ADDRESS)
  return `127.70.${Math.floor(n / 250)}.${1 + (n % 250)}`
}
