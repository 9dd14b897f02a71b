// npm run soak [-- --visitors 2000 --minutes 20 --seed 1]: visitors at the built server, who drop, reload, stop, forget
// and come back, before an upstream that fails now and then; two restarts in the first third. A line a minute; exit code 1
// when an answer was lost or something grew.
import { cpus } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { buildApp } from '../helpers/built-app.ts'
import type { Counts } from './books.ts'
import type { House } from './house.ts'
import { createScale, type Weighed } from './scale.ts'
import { openSoak } from './soak.ts'

const { values } = parseArgs({
  options: {
    visitors: { type: 'string', default: '2000' },
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
})
const whole = (name: keyof typeof values, most: number): number => {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value
  throw new RangeError(`--${name}: a whole number from 1 to ${most}`)
}
const [visitors, minutes, seed] = [whole('visitors', 5000), whole('minutes', 240), whole('seed', 2 ** 31)]
const MINUTE_MS = 60_000
const restarts = new Set([Math.ceil(minutes / 6), Math.ceil(minutes / 3)])

console.log(
  `${visitors} visitors, ${minutes} minutes, seed ${seed}; Node ${process.version}, ${cpus().length} processors\n`,
)
const app = await buildApp()
const soak = await openSoak(app, {
  visitors,
  seed,
  thinkMs: 30_000,
  questions: 10,
  perChunkMs: 150,
  arrivalMs: MINUTE_MS / 2 / visitors,
  silences: true,
  inspected: true,
  // So that silence doesn't hold up a restart.
  settings: { FIRST_CHUNK_TIMEOUT_MS: '8000', CHUNK_TIMEOUT_MS: '8000' },
})
const { books, house } = soak
const scale = createScale()
try {
  console.log(
    lineOf(
      [
        'minute',
        'life',
        'visitors',
        'asked',
        'answered',
        'cut',
        'stopped',
        'forgot',
        'refused',
        'drops',
        'reloads',
      ].concat(['returns', 'calls', 'heap MB', 'RSS MB', 'files', 'wrong', 'verdict']),
    ),
  )
  let before = { ...books.counts }
  for (let minute = 1; minute <= minutes; minute++) {
    await pause(MINUTE_MS)
    const weighed = await weigh(house)
    console.log(rowOf(minute, before, weighed, scale.put(weighed)))
    before = { ...books.counts }
    if (restarts.has(minute) && minute < minutes) {
      const code = await house.restart()
      if (code !== 0) books.complain(`the server ended with ${code}`)
    }
  }
  console.log('\neverybody has his answer and goes')
  await soak.leave()
} finally {
  await soak.close()
  await app.remove()
}
for (const [why, times] of [...books.complaints, ...house.errors()]) console.log(`  ${times} × ${why}`)
const { asked, answered, cut, stopped, forgotten, refused } = books.counts
const lost = asked - answered - cut - stopped - forgotten - refused
console.log(
  `${asked} questions: ${answered} answered, ${cut} cut by the upstream, ${stopped} stopped, ${forgotten} forgotten, ${refused} refused, ${lost} lost`,
)
console.log(`memory and files: ${scale.verdict()}`)
const bad = lost > 0 || books.complaints.size > 0 || house.errors().size > 0 || scale.grew()
console.log(bad ? 'FAILED' : 'ok')
process.exitCode = bad ? 1 : 0

async function weigh(house: House): Promise<Weighed> {
  return { life: house.life, ...(await house.weigh()) }
}

function rowOf(minute: number, before: Counts, weighed: Weighed, verdict: string): string {
  const since = (what: keyof Counts) => String(books.counts[what] - before[what])
  const counts = (
    ['asked', 'answered', 'cut', 'stopped', 'forgotten', 'refused', 'drops', 'reloads', 'returns', 'calls'] as const
  ).map(since)
  const megabytes = (bytes: number) => (bytes / (1 << 20)).toFixed(0)
  const wrong = [...books.complaints.values()].reduce((sum, times) => sum + times, 0)
  return lineOf([
    String(minute),
    String(weighed.life),
    String(weighed.connections),
    ...counts,
    megabytes(weighed.heap),
    megabytes(weighed.rss),
    String(weighed.descriptors),
    String(wrong),
    verdict,
  ])
}

function lineOf(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(8)).join(' ')
}
