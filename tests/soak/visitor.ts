import { setTimeout as pause } from 'node:timers/promises'
import type { Chat, ChatTurn } from '../../client/chat.ts'
import type { Books } from './books.ts'
import { isOver, openPage, type Page, type Tab } from './page.ts'
import { byShare, complaintOf, type Meddling, type Plan } from './plan.ts'

export type World = {
  url(): string
  books: Books
  random(): number
  /** How long a visitor thinks on the average, in ms. */
  thinkMs: number
  /** After how many questions, at most, a visitor goes for good. */
  questions: number
  leaving(): boolean
  /** Ends a pause of any length. */
  leave: AbortSignal
}

// A restart, a full drain and the client's own patience fit in.
const LOST_MS = 120_000
const GRACE_MS = 30_000

/** A place at which one visitor after the other comes, asks, meddles and goes, until it is time to leave. */
export async function keepVisiting(world: World, place: number, address: string, laterMs: number): Promise<void> {
  await pause(laterMs, undefined, { signal: world.leave }).catch(() => {})
  for (let person = 0; !world.leaving(); person++) await visit(world, `${place}.${person}`, address)
}

async function visit(world: World, name: string, address: string): Promise<void> {
  const tab: Tab = { token: undefined }
  const open = () => openPage(world.url, address, tab, world.books)
  let page = open()
  const seen = new Map<string, ChatTurn>()
  const questions = 1 + Math.floor(world.random() * world.questions)
  for (let n = 0; n < questions && !world.leaving(); n++) {
    await think(world)
    if (world.leaving()) break
    page = await askOnce(world, page, `${name}.${n}`, open, seen)
    if (world.random() < 0.1) page = await comeBack(world, page, open, seen)
  }
  page.close()
}

const think = ({ random, thinkMs, leave }: World) =>
  pause(-Math.log(1 - random()) * thinkMs, undefined, { signal: leave }).catch(() => {})

type Mood = 'patient' | 'cut' | 'reload' | 'stop' | 'forget' | 'away' | 'long away'
const MOODS: readonly (readonly [Mood, number])[] = [
  ['cut', 0.15],
  ['reload', 0.1],
  ['stop', 0.06],
  ['forget', 0.03],
  ['away', 0.04],
  ['long away', 0.01],
]

const moodOf = (random: () => number): Mood => byShare(MOODS, random)?.[0] ?? 'patient'

/** One question from the first to the last word, and whatever the visitor does meanwhile. */
async function askOnce(
  world: World,
  page: Page,
  name: string,
  open: () => Page,
  seen: Map<string, ChatTurn>,
): Promise<Page> {
  const { books, random } = world
  const plan = books.ask(name)
  const id = await submit(page, plan)
  if (id === undefined) {
    books.complain('nothing could be asked')
    return page
  }
  const mood = moodOf(random)
  const begun = await page.until((chat) => begunOrGone(chat, id), LOST_MS)
  if (begun === undefined) books.complain(`no beginning: ${plan.scenario}`)
  const meddling: Meddling = {}
  let now = page
  if (begun === 'streaming') {
    await pause(random() * 500)
    now = await meddle(world, page, mood, id, open, meddling)
  }
  const end =
    mood === 'forget' && begun === 'streaming' ? 'forgotten' : await now.until((chat) => endOf(chat, id), LOST_MS)
  conclude(world, plan, end, meddling, seen)
  books.close(plan)
  return now
}

/** The id of the question; waits as long as Send is blocked. */
async function submit(page: Page, plan: Plan): Promise<string | undefined> {
  const asked = () => {
    if (!page.talk.ask(plan.question)) return undefined
    return page.talk.chat.turns.find(({ question }) => question === plan.question)?.id
  }
  return page.until(asked, LOST_MS)
}

const turnOf = (chat: Chat, id: string) => chat.turns.find((turn) => turn.id === id)

function begunOrGone(chat: Chat, id: string): 'streaming' | 'over' | undefined {
  const turn = turnOf(chat, id)
  if (!turn || isOver(turn)) return 'over'
  return turn.state === 'streaming' ? 'streaming' : undefined
}

/** The turn once it is over; `refused` when it went back into the draft. */
function endOf(chat: Chat, id: string): ChatTurn | 'refused' | undefined {
  const turn = turnOf(chat, id)
  if (turn) return isOver(turn) ? turn : undefined
  return chat.session === undefined ? undefined : 'refused'
}

async function meddle(
  { books, random, leave }: World,
  page: Page,
  mood: Mood,
  id: string,
  open: () => Page,
  meddling: Meddling,
): Promise<Page> {
  const later = async (ms: number) => {
    page.close()
    await pause(ms, undefined, { signal: leave }).catch(() => {})
    return open()
  }
  switch (mood) {
    case 'patient':
      return page
    case 'cut':
      books.count('drops')
      page.cut()
      return page
    case 'reload':
      books.count('reloads')
      return later(0)
    case 'away':
      books.count('returns')
      return later(random() * 5000)
    case 'long away':
      books.count('returns')
      meddling.awayTooLong = true
      return later(GRACE_MS * (1 + random()))
    case 'stop':
      meddling.stopped = true
      page.talk.stop()
      return page
    case 'forget': {
      const before = page.talk.chat.session
      page.talk.forget()
      const fresh = await page.until(({ session, forgetting, turns }) => {
        if (forgetting || session === undefined || session === before) return undefined
        return turns.some((turn) => turn.id === id) ? 'kept' : 'gone'
      }, LOST_MS)
      if (fresh !== 'gone') books.complain(`not forgotten: ${fresh}`)
      return page
    }
  }
}

type End = ChatTurn | 'refused' | 'forgotten' | undefined

function conclude({ books }: World, plan: Plan, end: End, meddling: Meddling, seen: Map<string, ChatTurn>): void {
  if (end === undefined) return books.complain(`lost: ${plan.scenario}`)
  if (end === 'forgotten') {
    seen.clear()
    return books.count('forgotten')
  }
  if (end === 'refused') {
    if (books.callsOf(plan) > 0) books.complain(`lost, and paid: ${plan.scenario}`)
    return books.count('refused')
  }
  const complaint = complaintOf(plan, end, books.callsOf(plan), meddling)
  if (complaint !== undefined) books.complain(complaint)
  seen.set(end.id, end)
  books.count(end.state === 'complete' ? 'answered' : end.state === 'stopped' ? 'stopped' : 'cut')
}

/** Closes the page and opens it again: all that was said is still there, word for word. */
async function comeBack(
  world: World,
  page: Page,
  open: () => Page,
  seen: ReadonlyMap<string, ChatTurn>,
): Promise<Page> {
  const { books } = world
  books.count('returns')
  page.close()
  await think(world)
  const back = open()
  const turns = await back.until(({ session, turns }) => (session === undefined ? undefined : turns), LOST_MS)
  if (!turns) {
    books.complain('no welcome')
    return back
  }
  for (const [id, { answer, state }] of seen) {
    const turn = turns.find((each) => each.id === id)
    if (!turn) books.complain('a turn is gone')
    else if (turn.answer !== answer || turn.state !== state)
      books.complain(`a turn has changed from ${state} (${answer.length}) to ${turn.state} (${turn.answer.length})`)
  }
  return back
}
