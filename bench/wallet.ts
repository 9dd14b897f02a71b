import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { buildApp } from '../tests/helpers/built-app.ts'
import { ANSWERED, type Case, type Measured, measure } from './wallet-case.ts'

// Whether spending can pass the budget: hostile visitors against the real server, judged by the upstream's own books.
const { values } = parseArgs({
  options: { days: { type: 'string', default: '3' }, only: { type: 'string', default: '' } },
})
const DAYS = Number(values.days)
if (!Number.isSafeInteger(DAYS) || DAYS < 1 || DAYS > 20) throw new RangeError('--days: a whole number from 1 to 20')

const built = await buildApp()
const ours = { scheme: 'ours', clients: 200, days: DAYS, program: [built.main] } as const
const calm = { capHolds: 200, daySeconds: 15 }
// A crash costs what is set aside at that moment at the most, so there are fewer answers at once than the usual 200.
const killed = { capHolds: 1000, daySeconds: 60, killEveryMs: 2000, maxStreams: 24 }
const TROUBLES = ['ok', 'error-500', 'ok', 'reset', 'ok', 'early-close', 'minute-429', 'usage-missing'] as const

const onAll = (load: typeof calm | typeof killed): Case[] =>
  (['sqlite', 'redis'] as const).flatMap((store) =>
    [1, 4].map((processes): Case => ({ ...ours, store, processes, ...load })),
  )
const troubled: Case = {
  ...ours,
  ...calm,
  store: 'sqlite',
  processes: 4,
  killEveryMs: 2000,
  orders: TROUBLES.map((name) => ({ ...ANSWERED, name })),
}
const others = (['after-the-fact', 'consume + reward'] as const).flatMap((scheme) =>
  [1, 4].map((processes): Case => ({ ...calm, scheme, store: 'sqlite', processes, clients: 200, days: DAYS })),
)

try {
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}; ${DAYS} full days a case`,
  )
  console.log(
    '200 visitors who never pause, a third hanging up at the first words; killed: one process 2 s after the last',
  )
  console.log('victim is back, 24 answers at once per process; "full at": when the last day took its last call\n')
  console.log(
    'case                                          overshoot  utilisation  wanted           calls  kills  full at',
  )
  const cases = [...onAll(calm), ...onAll(killed), troubled, ...others].filter((one) =>
    nameOf(one).includes(values.only),
  )
  for (const one of cases) print(one, await measure(one))
} finally {
  await built.remove()
}

function nameOf({ scheme, store, processes, killEveryMs, orders }: Case): string {
  const plural = processes > 1 ? 'es' : ''
  return `${scheme}, ${store}, ${processes} process${plural}${killEveryMs ? ', kill -9' : ''}${orders ? ', troubles' : ''}`
}

function print(one: Case, { overshoot, utilisation, days, kills }: Measured): void {
  const wanted = one.orders ? 0 : one.killEveryMs ? 0.8 : 0.99
  const held = overshoot === 0 && utilisation >= wanted
  const verdict = one.scheme === 'ours' ? `>= ${wanted * 100} %  ${held ? 'held' : 'MISSED'}` : '-'
  const calls = days.reduce((total, day) => total + day.calls, 0)
  const fullAt = `${((days.at(-1)?.lastMs ?? 0) / 1000).toFixed(1)} of ${one.daySeconds} s`
  const figures = [`${(overshoot * 100).toFixed(1)} %`.padStart(9), `${(utilisation * 100).toFixed(1)} %`.padStart(11)]
  const counts = `${String(calls).padStart(6)} ${String(kills).padStart(6)}  ${fullAt}`
  console.log(`${nameOf(one).padEnd(45)} ${figures.join('  ')}  ${verdict.padEnd(15)} ${counts}`)
  const late = days.reduce((total, day) => total + day.overMidnight, 0)
  if (late > 0) console.log(`  (${(late / 1e9).toFixed(6)} asked before a midnight and billed after it)`)
}
