import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { RETRY_MS } from '../../server/chat/registry.ts'
import { assertIdle, type Chat, calm, createChat, createTwo, FORBIDDEN, GRACE_MS } from '../helpers/chat.ts'
import { REFUSED } from '../helpers/scripted-model.ts'
import { type Memory, Tab } from '../helpers/visitor-tab.ts'
import { type Target, target } from './target.ts'

const HANDOVERS = 32
const FALLBACK = 'Ouvert de 9 h à 18 h.'

/** `now`: the next step follows in the same turn of the event loop. */
type Step = { now: boolean } & (
  | { do: 'connect'; tab: number; part: number | undefined }
  | { do: 'drop' | 'forget'; tab: number }
  | { do: 'ask' | 'stop'; tab: number; id: number | undefined }
  | { do: 'say'; call: number; text: string }
  | { do: 'end' | 'fail'; call: number }
  | { do: 'let go'; gate: number }
  | { do: 'wait'; ms: number }
  | { do: 'break' | 'refuse'; on: boolean }
  | { do: 'sweep' }
)
type Play = { steps: Step[]; slow: boolean; fallback: boolean; maxStreams: number; joinMs: number; processes: 1 | 2 }

const tab = fc.nat(3)
const call = fc.nat(2)
const now = fc.boolean()
const text = fc.constantFrom('Bon', 'jour', ' 🚲', 'mot de ', 'marin', FORBIDDEN)
const id = fc.option(fc.nat(5), { nil: undefined, freq: 2 })
const part = fc.constantFrom(undefined, 0, 0.4, 1, 1, 99)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('connect' as const), tab, part, now }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), tab, now }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), tab, now }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('ask' as const), tab, id, now }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), tab, id, now }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('say' as const), call, text, now }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), call, now }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), call, now }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('let go' as const), gate: fc.nat(3), now }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(16, 1000, GRACE_MS), now }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('break' as const, 'refuse' as const),
      on: fc.constantFrom(true, false, false),
      now,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const), now }) },
)
const playOn = (processes: 1 | 2): fc.Arbitrary<Play> =>
  fc.record({
    processes: fc.constant(processes),
    // Long ones, or little would ever be on its way.
    steps: fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }),
    slow: fc.boolean(),
    fallback: fc.boolean(),
    maxStreams: fc.constantFrom(1, 2, 20),
    joinMs: fc.constantFrom(0, 16),
  })

type Stage = {
  chat: Chat
  chats: Chat[]
  memory: Memory
  tabs: Tab[]
  gates: (() => void)[]
  said: Map<string, string>
  asks: number
}

function stageOf({ slow, fallback, maxStreams, joinMs, processes }: Play): Stage {
  const options = { maxStreams, joinMs, burst: 5, ...(fallback && { fallback: FALLBACK }) }
  const { one: chat, two } = processes === 2 ? createTwo(options) : { one: createChat(options), two: undefined }
  const chats = two ? [chat, two] : [chat]
  const memory: Memory = { seen: new Map(), asked: new Map(), forgetting: new Set(), dead: new Set() }
  const gates: (() => void)[] = []
  const wait = () => new Promise<void>((resolve) => gates.push(resolve))
  if (slow) for (const each of chats) each.store.pace = each.wallet.pace = wait
  const tabs = [0, 1, 2, 3].map((n) => new Tab(chats[n % processes] ?? chat, memory))
  return { chat, chats, memory, tabs, gates, said: new Map(), asks: 0 }
}

const openCalls = ({ chat }: Stage) => chat.model.calls.filter((each) => !each.over)
const idOf = (each: { request: { turns: readonly { text: string }[] } }) =>
  /^Question (.*) \?$/.exec(each.request.turns.at(-1)?.text ?? '')?.[1] ?? ''

/** Two visitors with two tabs each: a tab comes back with the token that its visitor had last. */
function tokenFor({ tabs }: Stage, index: number): string | undefined {
  return tabs[index]?.token ?? tabs[index ^ 1]?.token
}

function perform(stage: Stage, step: Step): void {
  const { chat, chats, tabs } = stage
  if ('tab' in step) return visit(stage, step)
  if ('call' in step) return speak(stage, step)
  if (step.do === 'let go') for (const go of stage.gates.splice(step.gate % (stage.gates.length || 1), 1)) go()
  if (step.do === 'wait') chat.clock.advance(step.ms)
  if (step.do === 'break') for (const each of chats) each.store.broken = step.on
  if (step.do === 'refuse') chat.wallet.refusal = step.on ? { cause: 'day' } : undefined
  if (step.do === 'sweep') for (const each of chats) void each.registry.sweep().catch(() => {})
  for (const each of tabs) each.read()
}

function visit(stage: Stage, step: Extract<Step, { tab: number }>): void {
  const tab = stage.tabs[step.tab]
  if (!tab) return
  tab.read()
  if (step.do === 'connect') return tab.connect(tokenFor(stage, step.tab), step.part)
  if (step.do === 'drop') return tab.drop()
  if (step.do === 'forget') return tab.forget()
  if (step.do === 'ask' || step.do === 'stop') {
    const known = stage.memory.asked.get(tab.client?.session || '-')?.at(-1 - (step.id ?? 99))
    tab[step.do](known ?? `q${++stage.asks}`)
  }
}

function speak(stage: Stage, step: Extract<Step, { call: number }>): void {
  const open = openCalls(stage)
  const call = open[step.call % (open.length || 1)]
  if (!call) return
  if (step.do === 'say') {
    stage.said.set(idOf(call), (stage.said.get(idOf(call)) ?? '') + step.text)
    call.say(step.text)
  }
  if (step.do === 'end') call.end()
  if (step.do === 'fail') call.fail(REFUSED)
}

/** The trouble is over: everything that waits goes on, and every call is played to its end. */
async function settle(stage: Stage): Promise<void> {
  const { chat, chats, tabs, gates } = stage
  chat.wallet.refusal = undefined
  for (const each of chats) {
    each.store.broken = false
    each.store.pace = each.wallet.pace = () => Promise.resolve()
  }
  // Where a process gives a session away, another asks for it ten times a second.
  for (let left = chats.length > 1 ? HANDOVERS : 0, moved = true; moved || left > 0; left--) {
    if (left > 0) chat.clock.advance(100)
    await calm()
    const open = openCalls(stage)
    moved = open.length + gates.length > 0
    for (const go of gates.splice(0)) go()
    for (const each of open) each.end()
  }
  for (const tab of tabs) tab.read()
}

function assertTexts({ memory, said }: Stage): void {
  for (const [id, { reason, text, source }] of [...memory.seen.values()].flatMap((turns) => [...turns])) {
    const whole = source === 'knowledge' ? FALLBACK : (said.get(id) ?? '')
    assert.ok(whole.startsWith(text), `${id}: "${text}" is not the beginning of "${whole}"`)
    if (reason === 'complete') assert.is(text, whole)
    if (reason === 'filtered') assert.is(text, whole.slice(0, whole.indexOf(FORBIDDEN)))
  }
}

function assertPaidOnce({ chat }: Stage): void {
  const ids = chat.model.calls.map(idOf)
  assert.is(new Set(ids).size, ids.length, 'a question went to the model twice')
  const unused = chat.wallet.holds.filter(({ outcomes }) => outcomes[0]?.kind === 'free').length
  assert.ok(chat.wallet.holds.length - unused <= ids.length && ids.length <= chat.wallet.holds.length)
}

const someOf = (chats: readonly Chat[], token: string): Chat => {
  const found = chats[token.charCodeAt(token.length - 1) % chats.length]
  if (!found) throw new Error('no process')
  return found
}

/** What was seen to end is found again under its token; what was forgotten is not. */
async function assertKept({ chats, memory }: Stage): Promise<void> {
  for (const [token, turns] of memory.seen) {
    if (token === '' || memory.forgetting.has(token)) continue
    const client = await someOf(chats, token).enter(token)
    const [welcome] = client.received
    const kept = new Map(welcome?.type === 'welcome' ? welcome.turns.map((turn) => [turn.id, turn]) : [])
    for (const [id, { reason, text, source }] of turns) {
      const turn = kept.get(id)
      assert.equal([turn?.state, turn?.answer, turn?.source], [reason, text, source], id)
    }
    await client.drop()
  }
  for (const token of memory.dead) {
    const client = await someOf(chats, token).enter(token)
    assert.is.not(client.session, token)
    await client.drop()
  }
}

async function run(play: Play): Promise<void> {
  const stage = stageOf(play)
  const { chats, tabs } = stage
  for (const step of play.steps) {
    perform(stage, step)
    if (!step.now) await calm()
  }
  await settle(stage)
  for (const tab of tabs) tab.assertAtRest()
  assertTexts(stage)
  assertPaidOnce(stage)
  for (const tab of tabs) tab.drop()
  await calm()
  for (const each of chats) await each.registry.sweep()
  // What the store refused is tried once more, whether or not it is still to be said.
  if (play.steps.some((step) => step.do === 'break' && step.on)) stage.chat.clock.advance(RETRY_MS)
  await calm()
  for (const each of chats) assertIdle(each)
  await assertKept(stage)
  for (const each of chats) assertIdle(each)
}

export const sessionTargets: Target[] = [
  target(
    {
      name: 'session',
      title: '[ASK1] [ASK5] [RES1] [FOR1] whatever happens when: one end, the whole text, paid once, nothing left',
      short: 500,
      weight: 0.5,
    },
    playOn(1),
    run,
  ),
  target(
    {
      name: 'session-processes',
      title: '[SES1] [RES7] [FOR2] the same where each visitor’s tabs are on two processes of one store',
      short: 200,
      weight: 0.2,
    },
    playOn(2),
    run,
  ),
]
