import { test } from 'uvu'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { until, untilReady } from '../attacks/target.ts'
import { saidOf, visit } from '../attacks/visitor.ts'
import { buildApp } from '../helpers/built-app.ts'
import { startRedis } from '../helpers/redis.ts'
import { asksOnce, type Got } from './asked-once.ts'
import { type FaultToll, fault, leave, servesNext, times } from './fault.ts'
import { type FaultOrder, type FaultyTarget, openFaulty } from './faulty.ts'

const app = buildApp()
const STORE = ['sqlite', 'sync', 'file', 'redis']
const CHUNKS = ['Bon vent, ', 'marin !']
const TEXT = CHUNKS.join('')
const FOREVER = 1e9

const isWhole = (got: Got): boolean =>
  'end' in got && got.end?.type === 'done' && got.end.reason === 'complete' && got.text === TEXT
const isRefusal = (got: Got): boolean => !('end' in got) || (got.end?.type === 'error' && got.end.code === 'overloaded')

/** Somebody's session, and nobody looks at it. */
async function sessionOf(target: FaultyTarget): Promise<string> {
  target.emulator.setScenario({ name: 'ok', chunks: CHUNKS })
  const visitor = await visit(target)
  await visitor.ask('first')
  leave(visitor)
  await until(async () => (await target.metric('le_mecano_sessions')) === 0)
  return visitor.welcome.session
}

/** How many points of the store somebody passes who comes back and asks. */
async function pointsOf(target: FaultyTarget, session: string, toll: FaultToll): Promise<number> {
  target.order({ does: 'note', kinds: STORE })
  await asksOnce(target, session, 'dry', toll)
  await until(async () => (await target.metric('le_mecano_holds', 'state="open"')) === 0)
  return target.points().length
}

/** The order holds while somebody comes back and asks; then the store works again, and the next one is served. */
async function during(target: FaultyTarget, session: string, id: string, order: FaultOrder, toll: FaultToll) {
  target.order({ kinds: STORE, ...order })
  const got = await asksOnce(target, session, id, toll)
  target.order(null)
  if (!isWhole(got) && !isRefusal(got)) toll.lost(`${id}: ${JSON.stringify(got)}`)
  await untilReady(target)
  await servesNext(target, `after-${id}`)
}

/** Each call fails alone, then with its next: what was to undo it. */
const failing = (does: 'fail' | 'lose', most: 1 | 2) => async (target: FaultyTarget, toll: FaultToll) => {
  const session = await sessionOf(target)
  const points = await pointsOf(target, session, toll)
  for (let count = 1; count <= most; count++)
    for (let at = 0; at < points; at += count === 1 ? 1 : times(5, 1))
      await during(target, session, `${does}-${count}-${at}`, { does, at, times: count }, toll)
}

/** Each state is told once: how often each line came that tells of trouble or of its end, when more than once. */
function repeated(printed: string): string[] {
  const count = new Map<string, number>()
  for (const line of printed.trim().split('\n')) {
    const { level, event } = JSON.parse(line)
    if (level >= 40 || /_over$|^store_back$/.test(event)) count.set(event, (count.get(event) ?? 0) + 1)
  }
  return [...count].flatMap(([event, n]) => (n > 1 ? [`${n} lines ${event}`] : []))
}

/** All calls fail from somewhere within answers on, until they are all over and others have asked in vain. */
async function outage(target: FaultyTarget, toll: FaultToll): Promise<void> {
  const { emulator } = target
  const session = await sessionOf(target)
  emulator.setScenario({ name: 'ok', gated: true, chunks: CHUNKS })
  const { requests } = emulator.ledger()
  const inside = await visit(target)
  const crowd = await Promise.all(Array.from({ length: 5 }, () => visit(target)))
  for (const { socket } of crowd) socket.say({ type: 'ask', id: 'q', text: 'Combien ?' })
  await emulator.changed((ledger) => ledger.requests === requests + crowd.length)
  const from = target.printed().length
  target.order({ does: 'fail', times: FOREVER, kinds: STORE })
  emulator.release(crowd.length * CHUNKS.length)
  const tokens: string[] = []
  for (const { socket, welcome } of crowd) {
    const said = await saidOf(socket, 'q')
    toll.tried()
    if (!isWhole(said)) toll.lost(`in the middle of an answer: ${JSON.stringify(said)}`)
    tokens.push(welcome.session)
    leave({ socket })
  }
  for (let n = 0; n < 10; n++) {
    const got = await asksOnce(target, session, `out${n}`, toll)
    const end = await inside.ask(`in${n}`)
    if (!isRefusal(got) || end?.type !== 'error' || end.code !== 'overloaded')
      toll.lost(`without a store: ${JSON.stringify([got, end])}`)
  }
  leave(inside)
  if (emulator.ledger().requests > requests + crowd.length) toll.lost('a call without a store')
  target.order(null)
  emulator.setScenario({ name: 'ok', chunks: CHUNKS })
  await untilReady(target)
  await servesNext(target, 'back')
  await until(async () => (await target.metric('le_mecano_sessions')) === 0)
  for (const again of repeated(target.printed().slice(from))) toll.lost(again)
  for (const token of tokens) {
    const back = await visit(target, undefined, { session: token })
    leave(back)
    if (back.welcome.turns[0]?.answer !== TEXT) toll.lost(`a turn: ${JSON.stringify(back.welcome.turns)}`)
  }
}

const onSqlite = async () => openFaulty({ app: await app })

fault('each call of SQLite fails, once and twice', onSqlite, failing('fail', 2))
fault('all calls of SQLite fail while answers are on their way', onSqlite, outage)

const redis = await startRedis()
if (redis) {
  const onRedis = async () => {
    await redis.empty()
    await initStore(redis.url, silentLog)
    return openFaulty({ app: await app, env: { STORE_URL: redis.url } })
  }
  fault('the connection to Redis breaks before each command', onRedis, failing('fail', 1))
  fault('the connection to Redis breaks before each answer of it', onRedis, failing('lose', 1))
  fault('all connections to Redis break while answers are on their way', onRedis, outage)
}

test('Redis ends', async () => redis?.close())
test('the built copy is removed', async () => (await app).remove())

test.run()
