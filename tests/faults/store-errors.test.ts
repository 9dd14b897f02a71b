import { test } from 'uvu'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { until, untilReady } from '../attacks/target.ts'
import { buildApp } from '../helpers/built-app.ts'
import { startRedis } from '../helpers/redis.ts'
import { longForm } from '../helpers/trial.ts'
import { asksOnce } from './asked-once.ts'
import { type FaultToll, fault, servesNext, times } from './fault.ts'
import { type FaultOrder, type FaultyTarget, openFaulty } from './faulty.ts'
import { isRefusal, isWhole, outage, sessionOf } from './outage.ts'

const app = buildApp()
const STORE = ['sqlite', 'sync', 'file', 'redis']
const FOREVER = 1e9

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

const breaking = (target: FaultyTarget, toll: FaultToll) =>
  outage(target, toll, () => {
    target.order({ does: 'fail', times: FOREVER, kinds: STORE })
    return () => target.order(null)
  })

const onSqlite = async () => openFaulty({ app: await app })

fault('each call of SQLite fails, once and twice', onSqlite, failing('fail', 2))
fault('all calls of SQLite fail while answers are on their way', onSqlite, breaking)

const redis = await startRedis()
if (redis) {
  const onRedis = async () => {
    await redis.empty()
    await initStore(redis.url, silentLog)
    return openFaulty({ app: await app, env: { STORE_URL: redis.url } })
  }
  fault('the connection to Redis breaks before each answer of it', onRedis, failing('lose', 1))
  if (longForm) {
    fault('the connection to Redis breaks before each command', onRedis, failing('fail', 1))
    fault('all connections to Redis break while answers are on their way', onRedis, breaking)
  }
}

test('Redis ends', async () => redis?.close())
test('the built copy is removed', async () => (await app).remove())

test.run()
