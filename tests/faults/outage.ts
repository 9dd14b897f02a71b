import { type Target, until, untilReady } from '../attacks/target.ts'
import { saidOf, visit } from '../attacks/visitor.ts'
import { asksOnce, type Got } from './asked-once.ts'
import { leave, servesNext, type Toll } from './fault.ts'

export const CHUNKS = ['Bon vent, ', 'marin !']
export const TEXT = CHUNKS.join('')
type Mend = () => void | Promise<void>

export const isWhole = (got: Got): boolean =>
  'end' in got && got.end?.type === 'done' && got.end.reason === 'complete' && got.text === TEXT
export const isRefusal = (got: Got): boolean =>
  !('end' in got) || (got.end?.type === 'error' && got.end.code === 'overloaded')

/** Somebody's session, and nobody looks at it. */
export async function sessionOf(target: Target): Promise<string> {
  target.emulator.setScenario({ name: 'ok', chunks: CHUNKS })
  const visitor = await visit(target)
  await visitor.ask('first')
  leave(visitor)
  await until(async () => (await target.metric('le_mecano_sessions')) === 0)
  return visitor.welcome.session
}

/** Each state is told once: how often each line came that tells of trouble or of its end, when more than once. */
function repeated(printed: string): string[] {
  const count = new Map<string, number>()
  for (const line of printed.trim().split('\n')) {
    const { level, event } = JSON.parse(line)
    // One for each hold that the store has forgotten, which is what the admin has to know.
    if (event === 'hold_unknown') continue
    if (level >= 40 || /_over$|^store_back$/.test(event)) count.set(event, (count.get(event) ?? 0) + 1)
  }
  return [...count].flatMap(([event, n]) => (n > 1 ? [`${n} lines ${event}`] : []))
}

/**
 * `breaks` the store while answers are on their way, until they are all over and others have asked in vain; what it
 * returns mends it. Nobody may lose a word, nothing may be paid, and the log must tell each change once.
 */
export async function outage(target: Target, toll: Toll, breaks: () => Mend | Promise<Mend>, asks = 10): Promise<void> {
  const { emulator } = target
  const session = await sessionOf(target)
  emulator.setScenario({ name: 'ok', gated: true, chunks: CHUNKS })
  const { requests } = emulator.ledger()
  const inside = await visit(target)
  const crowd = await Promise.all(Array.from({ length: 5 }, () => visit(target)))
  for (const { socket } of crowd) socket.say({ type: 'ask', id: 'q', text: 'Combien ?' })
  await emulator.changed((ledger) => ledger.requests === requests + crowd.length)
  const from = target.printed().length
  const mend = await breaks()
  emulator.release(crowd.length * CHUNKS.length)
  const tokens: string[] = []
  for (const { socket, welcome } of crowd) {
    const said = await saidOf(socket, 'q')
    toll.tried()
    if (!isWhole(said)) toll.lost(`in the middle of an answer: ${JSON.stringify(said)}`)
    tokens.push(welcome.session)
    leave({ socket })
  }
  for (let n = 0; n < asks; n++) {
    const got = await asksOnce(target, session, `out${n}`, toll)
    const end = await inside.ask(`in${n}`)
    if (!isRefusal(got) || end?.type !== 'error' || end.code !== 'overloaded')
      toll.lost(`without a store: ${JSON.stringify([got, end])}`)
  }
  leave(inside)
  if (emulator.ledger().requests > requests + crowd.length) toll.lost('a call without a store')
  await mend()
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
