import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { SUBPROTOCOL } from '../protocol/messages.ts'
import { parseServerMessage } from '../protocol/parse.ts'
import type { BenchHouse } from './house.ts'

/** Asks `count` questions, one every `everyMs`; returns the ms from each ask to its first text. */
export type FirstToken = (count: number, everyMs: number) => Promise<number[]>

const QUESTION = 'Combien coûte une révision ?'

/** Reads the upstream itself: what no relay can be faster than. */
export function direct(house: BenchHouse): FirstToken {
  const body = JSON.stringify({
    generationConfig: { maxOutputTokens: 800 },
    contents: [{ role: 'user', parts: [{ text: QUESTION }] }],
  })
  const url = `${house.emulator}/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse`
  const headers = { 'x-goog-api-key': 'key-of-the-bench', 'content-type': 'application/json' }
  const ask = () =>
    new Promise<number>((resolve, reject) => {
      const start = performance.now()
      const call = request(url, { method: 'POST', headers }, (response) => {
        let first = Number.NaN
        response.once('data', () => {
          first = performance.now() - start
        })
        response.on('data', () => {})
        response.on('end', () => resolve(first))
      })
      call.on('error', reject)
      call.end(body)
    })
  return (count, everyMs) => Promise.all(Array.from({ length: count }, (_, i) => delay(i * everyMs).then(ask)))
}

/** Asks through the server; the sockets are open and greeted before the clock starts. */
export async function relayed(house: BenchHouse, count: number): Promise<{ ask: FirstToken; close(): void }> {
  const clients = await Promise.all(Array.from({ length: count }, () => openClient(house)))
  let next = 0
  // In turn, so that no socket asks more often than the bound on frames allows.
  const askOne = () => clients[next++ % clients.length]?.ask(`q${next}`) ?? Promise.resolve(Number.NaN)
  return {
    ask: (wanted, everyMs) => Promise.all(Array.from({ length: wanted }, (_, i) => delay(i * everyMs).then(askOne))),
    close: () => {
      for (const client of clients) client.close()
    },
  }
}

async function openClient(house: BenchHouse) {
  const socket = new WebSocket(`${house.server.replace('http', 'ws')}/ws`, SUBPROTOCOL)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.send(JSON.stringify({ type: 'hello' }))
  await new Promise((resolve) => socket.once('message', resolve))
  const ask = (id: string) =>
    new Promise<number>((resolve, reject) => {
      const start = performance.now()
      let first = Number.NaN
      const onMessage = (data: Buffer) => {
        const parsed = parseServerMessage(data.toString())
        if (!parsed.ok) return
        const { type } = parsed.message
        if (type === 'delta' && Number.isNaN(first)) first = performance.now() - start
        if (type === 'error') reject(new Error(`refused: ${parsed.message.code}`))
        if (type !== 'done' && type !== 'error') return
        socket.removeAllListeners()
        resolve(first)
      }
      socket.on('message', onMessage)
      socket.once('close', (code) => reject(new Error(`closed: ${code}`)))
      socket.send(JSON.stringify({ type: 'ask', id, text: QUESTION }))
    })
  return { ask, close: () => socket.close() }
}
