import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { percentile } from './children.ts'
import { builds, type Contestant } from './contestants.ts'
import { type Generator, named, startGenerator, type Word } from './generator.ts'
import { startUpstream, type Upstream } from './house.ts'
import type { Job } from './load/job.ts'
import { cpuMs, machine, rssKib } from './machine.ts'

// npm run bench:flood [-- --rate 20000 --seconds 6 --generators 3 --rounds 1]: upgrades that are refused, as many a
// second as this machine can send, while a visitor who was admitted asks again and again. BENCH_BUILDS as in the others.
const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '6' },
    generators: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
})
const [rate, seconds, generators, rounds] = [values.rate, values.seconds, values.generators, values.rounds].map(Number)
const within = (value: number | undefined, most: number): number => {
  if (value === undefined || !(value > 0 && value <= most)) throw new RangeError(`a number from 1 to ${most}`)
  return value
}
const RATE = within(rate, 50_000)
const WINDOW_MS = within(seconds, 30) * 1000
const GENERATORS = within(generators, 8)
const ROUNDS = within(rounds, 10)

const WANTED_MS = 100
const AT_ONCE = 1000
// Slower than the time within which pieces are said together.
const ANSWER = { name: 'ok', chunks: Array.from({ length: 8 }, () => '#;'), perChunkMs: 20, stamped: true } as const

/** Where a flood comes from: so many addresses in all, and an Origin that is refused before any bucket is asked. */
type Scene = { title: string; addresses: number; origin?: string }
const SCENES: readonly Scene[] = [
  { title: 'no flood', addresses: 0 },
  { title: 'from one address', addresses: 1 },
  { title: 'from 1,000 addresses', addresses: 1000 },
  { title: 'with a foreign origin', addresses: 1000, origin: 'https://evil.example' },
]
/** Who has knocked once is refused for the rest of the bench: what is measured is what refusals cost. */
const REFUSING = { IP_UPGRADE_BURST: '1', IP_UPGRADES_PER_MINUTE: '0.5', MAX_CONNECTIONS_PER_IP: '10' }

type Measured = {
  tries: number
  refused: number
  admitted: number
  cpuMs: number
  heard: Word
  kib: number
}

async function measure(build: Contestant, upstream: Upstream, { addresses, origin }: Scene): Promise<Measured> {
  const server = await build.start(upstream.url, REFUSING)
  const begun: Generator[] = []
  const begin = async (job: Job) => {
    const generator = await startGenerator({ kind: 'ours', urls: [server.url], upstream: upstream.url, job })
    begun.push(generator)
    return generator
  }
  try {
    const visitor = await begin({ at: 'visitor', windowMs: WINDOW_MS })
    const each = Math.ceil(addresses / GENERATORS)
    const floods = await Promise.all(
      Array.from({ length: addresses === 0 ? 0 : GENERATORS }, (_, n) => {
        // One address is the same for all of them.
        const first = addresses === 1 ? 0 : n * each
        const job = { at: 'flood', rate: RATE / GENERATORS, atOnce: AT_ONCE, addresses: each, first } as const
        return begin({ ...job, windowMs: WINDOW_MS, ...(origin !== undefined && { origin }) })
      }),
    )
    await Promise.all(begun.map((generator) => generator.word(named('armed'))))
    for (const { pid } of begun) process.kill(pid, 'SIGUSR2')
    const before = cpuMs(server.pid)
    const kib = rssKib(server.pid)
    await pause(WINDOW_MS)
    const used = cpuMs(server.pid) - before
    const grown = rssKib(server.pid) - kib
    const words = await Promise.all(floods.map((flood) => flood.word(named('end'))))
    const sum = (of: (word: Word) => number | undefined) => words.reduce((all, word) => all + (of(word) ?? 0), 0)
    return {
      tries: sum(({ tries }) => tries),
      refused: sum(({ refused }) => refused),
      admitted: sum(({ admitted }) => admitted),
      cpuMs: used,
      heard: await visitor.word(named('end')),
      kib: grown,
    }
  } finally {
    await Promise.all(begun.map((generator) => generator.end()))
    await server.end()
  }
}

const ms = (value = Number.NaN) => `${value.toFixed(1)} ms`
const cells = (values: readonly string[]) =>
  values.map((value, n) => (n === 0 ? value.padEnd(24) : value.padStart(11))).join(' ')

if (!existsSync('dist/server/main.js')) throw new Error('the server is measured as built: npm run build first')
console.log(`${machine()}\n${GENERATORS} generators aim at ${RATE} upgrades/s for ${WINDOW_MS / 1000} s\n`)
const upstream = await startUpstream()
let missed = 0
try {
  await upstream.scenario(ANSWER)
  const header = [
    '',
    'tries/s',
    'refused/s',
    'admitted',
    'CPU',
    'µs each',
    'delay p50',
    'p99',
    'first p50',
    'p99',
    'asks lost',
    'MB more',
  ]
  for (const scene of SCENES.filter(({ title }) => title.includes(values.only))) {
    console.log(`${scene.title}\n${cells(header)}`)
    for (let round = 0; round < ROUNDS; round++)
      for (const build of builds) {
        const { tries, refused, admitted, cpuMs, heard, kib } = await measure(build, upstream, scene)
        const perSecond = (count: number) => ((count * 1000) / WINDOW_MS).toFixed(0)
        const late = percentile(heard.firsts ?? [], 99)
        console.log(
          cells([
            build.name.slice(-24),
            perSecond(tries),
            perSecond(refused),
            String(admitted),
            `${((cpuMs * 100) / WINDOW_MS).toFixed(0)} %`,
            tries === 0 ? '-' : ((cpuMs * 1000) / tries).toFixed(0),
            ms(heard.delayP50),
            ms(heard.delayP99),
            ms(percentile(heard.firsts ?? [], 50)),
            ms(late),
            `${heard.failed} of ${(heard.asks ?? 0) + (heard.failed ?? 0)}`,
            (kib / 1024).toFixed(0),
          ]),
        )
        if (!((heard.delayP99 ?? Number.NaN) < WANTED_MS && heard.failed === 0)) missed++
      }
    console.log('')
  }
} finally {
  await upstream.end()
}
console.log(
  `wanted: a p99 of the visitor's delay under ${WANTED_MS} ms and no question lost: ${missed === 0 ? 'reached' : 'MISSED'}`,
)
process.exitCode = missed === 0 ? 0 : 1
