import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import { silentLog } from '../../server/log.ts'
import { initStore } from '../../server/stores/open.ts'
import { until } from '../attacks/target.ts'
import { type Said, saidOf, visit } from '../attacks/visitor.ts'
import { buildApp } from '../helpers/built-app.ts'
import { startRedis, type TestRedis } from '../helpers/redis.ts'
import { longForm } from '../helpers/trial.ts'
import { type FaultToll, fault, leave, servesNext } from './fault.ts'
import { type FaultyTarget, openFaulty } from './faulty.ts'

const app = buildApp()
const CHUNKS = ['Bon vent, ', 'marin !']
const TEXT = CHUNKS.join('')
const NANO = 1e9
const PATIENCE_MS = 3000
/** The pieces of an answer may come as one, and a beat in between. */
const MOST_TRIES = 5

type Books = Awaited<ReturnType<typeof books>>

/** What is booked of the day and what the upstream bills, in nano-currency, and how many holds are open. */
async function books(target: FaultyTarget) {
  const { value } = await target.exposed()
  const of = (name: string) => Math.round((value(`le_mecano_budget_${name}_currency_units`) ?? 0) * NANO)
  const open = (state: string) => value('le_mecano_holds', `state="${state}"`) ?? 0
  return { booked: of('spent') + of('held'), billed: target.billedNano(), open: open('open') + open('lost') }
}

/** Asks, with the process to die at point `at`; what the visitor saw of it, and the name of the point, if it died. */
async function askDying(target: FaultyTarget, at: number, question: string) {
  target.order({ does: 'kill', at })
  const visitor = await visit(target).catch(() => undefined)
  visitor?.socket.say({ type: 'ask', id: 'q', text: question })
  const said = visitor && (await saidOf(visitor.socket, 'q'))
  if (visitor) leave(visitor)
  const reached = (await dies(target)) ? target.points()[0] : undefined
  return { session: visitor?.welcome.session, said, reached }
}

/** Whether it has died; it may still have to do what comes after the answer's end. */
async function dies(target: FaultyTarget): Promise<boolean> {
  const patience = new AbortController()
  const late = pause(PATIENCE_MS, false, { signal: patience.signal }).catch(() => false)
  const gone = target.ended().then(() => true)
  const died = await Promise.race([gone, late])
  patience.abort()
  return died
}

/** Asks the same id again, as a page that comes back does. */
async function asksAgain(target: FaultyTarget, session: string | undefined, question: string) {
  const visitor = await visit(target, undefined, session === undefined ? {} : { session })
  visitor.socket.say({ type: 'ask', id: 'q', text: question })
  const said = await saidOf(visitor.socket, 'q')
  leave(visitor)
  return { resumed: visitor.welcome.resumed, ...said }
}

const callsFor = ({ emulator }: FaultyTarget, question: string): number =>
  emulator.ledger().entries.filter(({ body }) => body?.includes(question)).length

const reasonOf = ({ end }: Said): string | undefined => (end?.type === 'done' ? end.reason : end?.code)

/** The books once only so many holds are open: what an answer cost is booked after its end. */
async function booksWith(target: FaultyTarget, open: number) {
  let now = await books(target)
  await until(async () => {
    now = await books(target)
    return now.open <= open
  })
  return now
}

/**
 * Kills at the point, starts it again on its store, and looks what became of the money and of the question. Whether it was
 * that point: a process also does things that no question asks for, and then it dies at another one.
 */
async function killAt(target: FaultyTarget, { at, name, before }: Try, question: string, toll: FaultToll) {
  const { session, said, reached } = await askDying(target, at, question)
  target.order(null)
  if (reached === undefined) return false
  await target.start()
  const paid = callsFor(target, question)
  const after = await books(target)
  const open = after.open - before.open
  const lost = (what: string) => toll.lost(`point ${at}, ${reached}: ${what}`)
  toll.leaves(open)
  if (open < 0 || open > 1) lost(`${open} holds more`)
  const booked = after.booked - before.booked
  if (booked < after.billed - before.billed) lost('more is billed than booked')
  if (open === 1 && booked === 0) lost('its hold does not count')
  const again = await asksAgain(target, session, question)
  const calls = callsFor(target, question)
  if (calls > 1 || (said?.started && calls > paid)) lost(`${calls} calls for one question`)
  if (said?.started && !again.resumed) lost('the session is gone')
  const whole = again.text === TEXT && reasonOf(again) === 'complete'
  const partly = paid <= 1 && TEXT.startsWith(again.text) && reasonOf(again) === 'interrupted'
  if (!whole && (said?.end || !partly)) lost(`${reasonOf(again)} ${again.text}`)
  toll.tried()
  return reached === name
}

/** What of the noted points is the question's, and what of a process's first question its later ones don't pass. */
type Path = {
  own(names: string[]): string[]
  cold(names: string[]): Point[]
  tried(point: Point): boolean
}
type Point = { name: string; at: number }
/** `before`: the books of the process that is to die, or of the one before it, where a look would come before the question. */
type Try = Point & { before: Books }

const numbered = (names: string[]) => names.map((name, at) => ({ name, at }))

const onSqlite: Path = {
  // Between two of the others nothing waits: what dies there dies as at the one before.
  tried: ({ name }) => longForm || !/^sqlite:(?!BEGIN)/.test(name),
  own(names) {
    // The last that it writes is its settlement; what comes behind is the look at the books, which no other question passes.
    const settled = names.findLastIndex((name) => /^sqlite:(INSERT|UPDATE|DELETE)/.test(name))
    return names.slice(0, names.indexOf('sqlite:COMMIT', settled) + 1)
  },
  cold(names) {
    const cold = numbered(names).slice(0, names.indexOf('file:rename') + 1)
    return cold.slice(cold.findLastIndex(({ name }) => name.startsWith('sqlite:BEGIN')))
  },
}
const onRedis: Path = {
  // The rest is as on SQLite.
  tried: ({ name }) => longForm || /^(redis|upstream:call)/.test(name),
  // Settled and stored before it is told.
  own: (names) => names.slice(0, names.lastIndexOf('visitor:done') + 1),
  cold: (names) => numbered(names).slice(names.indexOf('visitor:welcome') + 1, names.indexOf('upstream:call')),
}

/** The names of what a question passes, in order, as two of them in a row do: a beat in one of them would be no point. */
async function pathOf(
  target: FaultyTarget,
  path: Path,
  toll: FaultToll,
  prepare: () => Promise<Books>,
): Promise<string[]> {
  let last: string[] = []
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    await prepare()
    const names = await pointsOf(target, path, toll)
    if (names.join() === last.join()) return names
    last = names
  }
  toll.lost('each question passes other points')
  return last
}

async function pointsOf(target: FaultyTarget, path: Path, { left }: FaultToll): Promise<string[]> {
  target.order({ does: 'note' })
  await servesNext(target, 'dry')
  await booksWith(target, left)
  const names = target.points()
  target.order(null)
  return path.own(names)
}

const killEverywhere = (path: Path) => async (target: FaultyTarget, toll: FaultToll) => {
  target.emulator.setScenario({ name: 'ok', chunks: CHUNKS })
  const fresh = async () => {
    const before = await booksWith(target, toll.left)
    await target.restart()
    return before
  }
  let asked = 0
  const used = async () => {
    await servesNext(target, `next${asked}`)
    return booksWith(target, toll.left)
  }
  // The first question of a process asks more of the store than those after it.
  const cold = path.cold(await pathOf(target, path, toll, fresh)).filter(path.tried)
  const warm = numbered(await pathOf(target, path, toll, used)).filter(path.tried)
  const kill = async (point: Point, prepare: () => Promise<Books>) => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const before = await prepare()
      if (await killAt(target, { ...point, before }, `Question ${++asked}, combien coûte une révision ?`, toll)) return
    }
    toll.lost(`point ${point.at}, ${point.name}: not reached`)
  }
  for (const point of cold) await kill(point, fresh)
  for (const point of warm) await kill(point, used)
  if (cold.length === 0 || warm.length === 0) toll.lost(`only ${cold.length} and ${warm.length} points`)
}

fault(
  'kill -9 wherever a question on SQLite waits',
  async () => openFaulty({ app: await app }),
  killEverywhere(onSqlite),
)

/**
 * Redis takes a dead process for alive for ten seconds, and who comes back to it meanwhile waits for three of them: in the
 * short form nobody comes back before.
 */
const forgetting =
  (redis: TestRedis, { start }: FaultyTarget) =>
  async () => {
    await redis.command(
      'EVAL',
      "for _, key in ipairs(redis.call('KEYS', '*:alive:*')) do redis.call('DEL', key) end",
      '0',
    )
    await start()
  }

const redis = await startRedis()
if (redis) {
  const open = async () => {
    await redis.empty()
    await initStore(redis.url, silentLog)
    const target = await openFaulty({ app: await app, env: { STORE_URL: redis.url } })
    return longForm ? target : Object.assign(target, { start: forgetting(redis, target) })
  }
  fault('kill -9 wherever a question on Redis waits', open, killEverywhere(onRedis))
}

test('Redis ends', async () => redis?.close())
test('the built copy is removed', async () => (await app).remove())

test.run()
