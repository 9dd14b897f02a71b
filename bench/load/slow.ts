import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { ScenarioOrder } from '../../emulator/emulator.ts'
import { SUBPROTOCOL } from '../../protocol/messages.ts'
import type { Job, Load } from './job.ts'
import type { Say } from './paced.ts'
import { createEars, keepAsking, openClients } from './streams.ts'

const ANSWER_CHARS = 60_000
/** As many as the server replays in a second: more, and it hangs up (4429). */
const REPLAYS = 10
const TURN_MS = 1100

/** Steady load, beside one reader who has a long answer replayed again and again and reads none of it. */
export async function slowReader(load: Load, job: Extract<Job, { at: 'slow-reader' }>, say: Say): Promise<void> {
  const reader = await prepare(load, job.order)
  const ears = createEars()
  const { stop } = await keepAsking(await openClients(load, job.streams), ears, job.answerMs)
  await pause(500)
  ears.forget()
  say({ at: 'begin' })
  const until = performance.now() + job.windowMs
  const clogged = job.slow ? await reader() : undefined
  while (clogged && performance.now() < until - TURN_MS) {
    clogged.ask()
    await pause(TURN_MS)
  }
  await pause(until - performance.now())
  const heard = ears.read()
  stop()
  say({ at: 'end', ...heard, close: await clogged?.code() })
}

/** Has one long answer in a session; what it returns takes that session up and clogs it. */
async function prepare({ urls, upstream }: Load, order: ScenarioOrder): Promise<() => Promise<Clogged>> {
  const set = (body: ScenarioOrder) =>
    fetch(`${upstream}/emulator/scenario`, { method: 'POST', body: JSON.stringify(body) })
  await set({ name: 'ok', text: 'vélos '.repeat(ANSWER_CHARS / 6), bytesPerToken: 100 })
  const url = `${(urls[0] ?? '').replace('http', 'ws')}/ws`
  const first = new WebSocket(url, SUBPROTOCOL)
  const session = await new Promise<string>((resolve, reject) => {
    let token = ''
    first.on('error', reject).on('message', (data) => {
      const message: { type: string; session?: string } = JSON.parse(data.toString())
      token = message.session ?? token
      if (message.type === 'welcome') first.send('{"type":"ask","id":"long","text":"Tout ?"}')
      if (message.type === 'error') reject(new Error(data.toString()))
      if (message.type === 'done') resolve(token)
    })
    first.on('open', () => first.send('{"type":"hello"}'))
  })
  first.close()
  await set(order)
  return () => clog(url, session)
}

/** `ask` has the answer replayed some times. `code`: the server's close code, or 0 when a second of reading brings none. */
type Clogged = { ask(): void; code(): Promise<number> }

/** Asks for what it won't read: reading is work, and who listens to the others would be late for it. */
async function clog(url: string, session: string): Promise<Clogged> {
  const socket = new WebSocket(url, SUBPROTOCOL)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const closed = new Promise<number>((resolve) => socket.on('error', () => {}).once('close', resolve))
  socket.send(JSON.stringify({ type: 'hello', session }))
  await new Promise((resolve) => socket.once('message', resolve))
  socket.pause()
  return {
    ask() {
      for (let i = 0; i < REPLAYS; i++) socket.send('{"type":"ask","id":"long","text":"Tout ?"}')
    },
    code: () => {
      socket.resume()
      return Promise.race([closed, pause(1000, 0)]).finally(() => socket.terminate())
    },
  }
}
