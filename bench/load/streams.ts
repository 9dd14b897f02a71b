import { setTimeout as pause } from 'node:timers/promises'
import { percentile } from '../children.ts'
import { type Client, type ClientKind, openClient, type Where } from './clients.ts'
import type { Heard, Load } from './job.ts'

const STAMP = /(\d{9,16});/g
const nowUs = (): number => Number(process.hrtime.bigint() / 1000n)

/** What all streams of a generator hear, since the last `forget`. Reading takes some ms in which nothing is heard. */
export type Ears = { ask(client: Client): Promise<void>; forget(): void; read(): Heard; readonly tokens: number }

export function createEars(): Ears {
  let delays: number[] = []
  let firsts: number[] = []
  let tokens = 0
  let failed = 0
  let began = performance.now()
  const hear = (text: string) => {
    const now = nowUs()
    for (const [, stamp] of text.matchAll(STAMP)) {
      delays.push((now - Number(stamp)) / 1000)
      tokens++
    }
  }
  return {
    async ask(client) {
      const asked = performance.now()
      let first: number | undefined
      try {
        await client.ask((text) => {
          if (first === undefined && STAMP.test(text)) first = performance.now() - asked
          STAMP.lastIndex = 0
          hear(text)
        })
        if (first !== undefined) firsts.push(first)
      } catch (error) {
        failed++
        if (failed === 1) process.stderr.write(`${String(error).slice(0, 300)}\n`)
      }
    },
    get tokens() {
      return tokens
    },
    forget() {
      delays = []
      firsts = []
      tokens = failed = 0
      began = performance.now()
    },
    read: () => ({
      tokens,
      ms: performance.now() - began,
      firsts,
      delayP50: percentile(delays, 50),
      delayP99: percentile(delays, 99),
      failed,
    }),
  }
}

/** Opens clients a hundred at a time, each server in turn. */
export async function openClients({ kind, urls, upstream }: Load, count: number, from = 0): Promise<Client[]> {
  const clients: Client[] = []
  for (let i = 0; i < count; i += 100) {
    const some = Array.from({ length: Math.min(100, count - i) }, (_, j) => openOne(kind, urls, upstream, from + i + j))
    clients.push(...(await Promise.all(some)))
  }
  return clients
}

function openOne(kind: ClientKind, urls: readonly string[], upstream: string, n: number): Promise<Client> {
  const where: Where = { url: urls[n % urls.length] ?? '', upstream }
  return openClient(kind, where)
}

// Evenly spread in any order of magnitude: at even steps, all streams would have their tokens in the same milliseconds.
const GOLDEN = (Math.sqrt(5) - 1) / 2

/** Keeps each client asking until `stop`, the first questions spread over `answerMs`. Resolves once all have begun. */
export async function keepAsking(clients: readonly Client[], ears: Ears, answerMs: number): Promise<{ stop(): void }> {
  let stopped = false
  const loop = async (client: Client) => {
    while (!stopped) {
      const before = performance.now()
      await ears.ask(client)
      // What is refused at once must not become a loop.
      if (performance.now() - before < 1) await pause(100)
    }
  }
  await Promise.all(
    clients.map(async (client, i) => {
      await pause(((i * GOLDEN) % 1) * answerMs)
      void loop(client)
    }),
  )
  return { stop: () => (stopped = true) }
}
