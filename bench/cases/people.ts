import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { lineChart } from '../chart.ts'
import { median, percentile } from '../children.ts'
import { ours } from '../contestants.ts'
import { named, startGenerator } from '../generator.ts'
import { rssKib } from '../machine.ts'
import { cell, doubts, measureWindow } from '../measure.ts'
import type { Case } from './case.ts'

const SLOW = { streams: 500, perChunkMs: 500, answerMs: 10_000, windowMs: 8000 }

/** (g): one reader who doesn't read, among 500 who do; with and without, in turn. */
export const slowReader: Case = async ({ upstream, rounds, short, progress }) => {
  const chunks = Array.from({ length: SLOW.answerMs / SLOW.perChunkMs }, () => '#;')
  const order = { name: 'ok', chunks, perChunkMs: SLOW.perChunkMs, stamped: true, bytesPerToken: 16 } as const
  const p99: Record<'without' | 'with', number[]> = { without: [], with: [] }
  const others: number[] = []
  const codes = new Set<number>()
  for (let round = 0; round < rounds; round++)
    for (const slow of [false, true]) {
      await upstream.scenario(order)
      const { streams, answerMs, windowMs } = SLOW
      const job = { at: 'slow-reader', streams, answerMs, windowMs: short ? 3000 : windowMs, slow, order } as const
      const window = await measureWindow(ours, upstream, job)
      p99[slow ? 'with' : 'without'].push(window.word.delayP99 ?? Number.NaN)
      if (window.word.close !== undefined) codes.add(window.word.close)
      others.push(window.others)
      progress(`slow reader ${slow ? 'there' : 'away'}: p99 ${window.word.delayP99?.toFixed(1)} ms`)
    }
  const ratio = median(p99.with) / median(p99.without)
  return [
    {
      title: '(g) One slow reader among 500 fast ones',
      note: `It has an answer of 60 KB replayed ten times a second, as often as it may, and reads none; how it ended: ${[...codes].join(', ')} (4413 is “too slow”, 0: the kernel's buffers held all).`,
      columns: ['', 'delay p99 of the others, ms'],
      rows: [
        ['without', cell(p99.without, 1)],
        ['with', cell(p99.with, 1)],
      ],
      goals: [
        {
          what: 'p99 of the others beside one slow reader',
          wanted: '<= 1.1',
          seen: ratio.toFixed(2),
          reached: ratio <= 1.1,
        },
      ],
      noisy: doubts([{ name: 'p99 without the slow reader', values: p99.without }], others),
      pictures: {},
    },
  ]
}

const HERD = { clients: 5000, addresses: 8, wantedMs: 15_000 }

/** (h): the server stops and starts again under visitors whose pages come back by themselves. */
export const restart: Case = async ({ upstream, short, progress }) => {
  const clients = short ? 500 : HERD.clients
  const port = await freePort()
  const env = { PORT: String(port), DRAIN_MS: '1000' }
  const first = await ours.start(upstream.url, env)
  const job = { at: 'herd', clients, addresses: HERD.addresses, mostMs: 60_000 } as const
  const generator = await startGenerator({ kind: 'ours', urls: [first.url], upstream: upstream.url, job })
  const { open = 0 } = await generator.word(named('ready'))
  await first.end()
  const second = await ours.start(upstream.url, env)
  const { back = [], tries = 0, refused = 0 } = await generator.word(named('end'))
  await generator.end()
  await second.end()
  const times = [...back].sort((a, b) => a - b)
  const last = times.at(-1) ?? Number.NaN
  progress(`${back.length} of ${clients} back after ${(last / 1000).toFixed(1)} s`)
  const points = times.map((ms, i) => [ms / 1000, i + 1] as const)
  const step = Math.max(1, Math.floor(points.length / 200))
  const all = open === clients && back.length === clients
  return [
    {
      title: `(h) A restart with ${clients.toLocaleString('en')} clients`,
      note: 'The page’s own connection, from eight addresses. The session tokens are known to nobody after the restart, since nobody had asked.',
      columns: ['', ''],
      rows: [
        ['clients back', `${back.length}`],
        ['half of them after', `${(percentile(times, 50) / 1000).toFixed(1)} s`],
        ['all of them after', `${(last / 1000).toFixed(1)} s`],
        ['tries per client', (tries / clients).toFixed(2)],
        ['refused upgrades', `${refused}`],
        ['start to ready', `${second.readyMs.toFixed(0)} ms`],
      ],
      goals: [
        {
          what: `${clients.toLocaleString('en')} clients after a restart`,
          wanted: 'all back in 15 s, none refused',
          seen: `${back.length} in ${(last / 1000).toFixed(1)} s, ${refused} refused`,
          reached: all && last <= HERD.wantedMs && refused === 0,
        },
      ],
      noisy: all ? [] : [`only ${open} were there before the restart, ${back.length} after it`],
      pictures: {
        'restart.svg': lineChart(
          'Clients back after a restart',
          'seconds since the first lost the server',
          'clients',
          points.filter((_, i) => i % step === 0 || i === points.length - 1),
        ),
      },
    },
  ]
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

const START_GOAL_MS = 700
const IDLE_MS = 2000
const IDLE_GOAL_MB = 90

/** From the process's start to the first visitor who could be served, and what it holds in memory when nobody asks. */
export const start: Case = async ({ upstream, rounds }) => {
  const times: number[] = []
  const sizes: number[] = []
  for (let i = 0; i < 3 * rounds; i++) {
    const server = await ours.start(upstream.url)
    times.push(server.readyMs)
    await pause(IDLE_MS)
    sizes.push((rssKib(server.pid) * 1024) / 1e6)
    await server.end()
  }
  const goal = (what: string, values: readonly number[], most: number, unit: string) => ({
    what,
    wanted: `<= ${most} ${unit}`,
    seen: `${median(values).toFixed(0)} ${unit}`,
    reached: median(values) <= most,
  })
  return [
    {
      title: 'Start to ready, and idle',
      columns: ['', 'ready, ms', 'resident when idle, MB'],
      rows: [['Le Mécano', cell(times, 0), cell(sizes, 0)]],
      goals: [
        goal('start to ready', times, START_GOAL_MS, 'ms'),
        goal('idle server, resident', sizes, IDLE_GOAL_MB, 'MB'),
      ],
      noisy: doubts([{ name: 'start to ready', values: times }], []),
      pictures: {},
    },
  ]
}
