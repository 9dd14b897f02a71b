import { WebSocket } from 'ws'
import { SUBPROTOCOL } from '../protocol/messages.ts'
import { parseServerMessage } from '../protocol/parse.ts'
import { toLoopback } from '../tests/helpers/live-tab.ts'

/** What the clients saw, all together. */
export type Seen = { asked: number; answered: number; refused: number; hungUp: number; broken: number }
export type Crowd = { readonly seen: Seen; leave(): Promise<void> }

type CrowdOptions = {
  /** How many, each on an address of its own. */
  count: number
  /** Where a client goes, by its number; undefined while nobody is there. Loopback only. */
  server(client: number): string | undefined
  /** The certificate of what stands before the servers; their name leads to loopback. */
  ca?: string
  random(): number
}
type Client = CrowdOptions & { number: number; address: string; hangsUp: boolean; seen: Seen }

const MOST_CLIENTS = 500
const AGAIN_MS = 400
const QUESTIONS = [
  'Combien coûte une révision ?',
  'Quels sont vos prix ?',
  'Êtes-vous ouverts dimanche ?',
  'Je cherche un vélo électrique pour aller au travail, dix kilomètres avec une côte : que conseillez-vous ?',
  'Louez-vous des vélos à la journée, et faut-il une caution ?',
]

/** Visitors who ask again and again, all day, whatever they are told; every third one hangs up at the first words. */
export function openCrowd(options: CrowdOptions): Crowd {
  if (options.count > MOST_CLIENTS) throw new RangeError(`${options.count} clients`)
  const seen: Seen = { asked: 0, answered: 0, refused: 0, hungUp: 0, broken: 0 }
  const leaves = Array.from({ length: options.count }, (_, number) => {
    const address = `127.77.${1 + Math.floor(number / 200)}.${1 + (number % 200)}`
    return openClient({ ...options, number, address, hangsUp: number % 3 === 0, seen })
  })
  return { seen, leave: async () => void (await Promise.all(leaves.map((leave) => leave()))) }
}

function openClient(client: Client): () => Promise<void> {
  let socket: WebSocket | undefined
  let timer: NodeJS.Timeout | undefined
  let gone = false
  const later = (fn: () => void, ms: number) => {
    if (!gone) timer = setTimeout(fn, ms * (0.5 + client.random()))
  }
  const connect = () => {
    const url = client.server(client.number)
    if (url === undefined) return later(connect, 50)
    const { address: localAddress, ca } = client
    const door = ca === undefined ? {} : { ca, lookup: toLoopback }
    socket = new WebSocket(socketUrl(url), SUBPROTOCOL, { ...door, localAddress, perMessageDeflate: false })
    // The close that follows tells all there is to do.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      later(connect, 50)
    })
    socket.on('open', () => socket?.send('{"type":"hello"}'))
    converse(client, socket, later)
  }
  later(connect, 100)
  return async () => {
    gone = true
    clearTimeout(timer)
    if (!socket || socket.readyState === WebSocket.CLOSED) return
    const closed = new Promise<void>((resolve) => socket?.once('close', () => resolve()))
    socket.terminate()
    await closed
  }
}

function converse(client: Client, socket: WebSocket, later: (fn: () => void, ms: number) => void): void {
  const { seen, random } = client
  let asked = 0
  const ask = () => {
    if (socket.readyState !== WebSocket.OPEN) return
    seen.asked++
    asked++
    const filling = '!'.repeat(Math.floor(random() * 200))
    // The time tells whoever reads the upstream's books when this was asked.
    const text = `${QUESTIONS[Math.floor(random() * QUESTIONS.length)]} ${filling} [${Date.now()}]`
    socket.send(JSON.stringify({ type: 'ask', id: `q${asked}`, text }))
  }
  socket.on('message', (data: Buffer) => {
    const parsed = parseServerMessage(data.toString())
    if (!parsed.ok) return
    const { type } = parsed.message
    if (type === 'welcome') ask()
    if (type === 'delta' && client.hangsUp) {
      seen.hungUp++
      socket.terminate()
    }
    if (type === 'done') {
      if (parsed.message.reason === 'complete') seen.answered++
      else seen.broken++
      ask()
    }
    if (type === 'error') {
      seen.refused++
      later(ask, AGAIN_MS)
    }
  })
}

function socketUrl(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  if (protocol === 'wss:') return url
  if (hostname !== '127.0.0.1') throw new Error(`${hostname} is not loopback`)
  return `ws://127.0.0.1:${port}/ws`
}
