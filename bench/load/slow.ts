import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { ScenarioOrder } from '../../emulator/emulator.ts'
import { SUBPROTOCOL } from '../../protocol/messages.ts'
import type { Job, Load } from './job.ts'
import type { Say } from './paced.ts'
import { createEars, keepAsking, openClients } from './streams.ts'

const ANSWER_CHARS = 60_000
/** Within the server's bound on frames: sixty at once, then twenty a second. */
const REPLAYS = 60
const TURN_MS = 1000

/** Steady load, beside one reader who has a long answer replayed again and again and reads none of it. */
export async function slowReader(load: Load, job: Extract<Job, { at: 'slow-reader' }>, say: Say): Promise<void> {
  const reader = job.slow ? await prepare(load, job.order) : undefined
  const ears = createEars()
  const { stop } = await keepAsking(await openClients(load, job.streams), ears, job.answerMs)
  await pause(500)
  ears.forget()
  say({ at: 'begin' })
  const until = performance.now() + job.windowMs
  const closes: number[] = []
  while (reader && performance.now() < until - TURN_MS) closes.push(await reader())
  await pause(until - performance.now())
  say({ at: 'end', ...ears.read(), closes })
  stop()
}

/** Has one long answer in a session; what it returns takes that session up, clogs it, and says how it was closed. */
async function prepare({ urls, upstream }: Load, order: ScenarioOrder): Promise<() => Promise<number>> {
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

/** Asks for what it won't read. Resolves with the server's close code, or 0 when it hadn't enough within a second. */
async function clog(url: string, session: string): Promise<number> {
  const socket = new WebSocket(url, SUBPROTOCOL)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  let code = 0
  socket.on('error', () => {}).on('close', (given) => (code = given))
  socket.send(JSON.stringify({ type: 'hello', session }))
  await new Promise((resolve) => socket.once('message', resolve))
  socket.pause()
  for (let i = 0; i < REPLAYS; i++) socket.send('{"type":"ask","id":"long","text":"Tout ?"}')
  await pause(TURN_MS - 200)
  socket.resume()
  await pause(200)
  socket.terminate()
  return code
}
