import { cpus } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { ADMIN_SUBPROTOCOL, parseAdminMessage } from '../protocol/admin.ts'
import { SUBPROTOCOL } from '../protocol/messages.ts'
import { type Child, median } from './children.ts'
import { startServer, startUpstream } from './house.ts'
import { cpuMs } from './machine.ts'

// What it costs to be watched: the CPU of the built server with 1,000 visitors connected and some of them asking,
// without anybody looking, with a scrape of /metrics every 5 s, and with two status pages open besides.
const CONNECTIONS = 1000
const QUESTIONS_PER_SECOND = 5
const PAGES = 2
const SCRAPE_MS = 5000
const SECONDS = 10
const ROUNDS = 3
const GOAL = 2
const TOKEN = 'token-of-the-bench-0123'

async function visitor({ url: server }: Child): Promise<WebSocket> {
  const socket = new WebSocket(`${server.replace('http', 'ws')}/ws`, SUBPROTOCOL)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.send('{"type":"hello"}')
  await new Promise((resolve) => socket.once('message', resolve))
  return socket
}

async function crowd(house: Child): Promise<WebSocket[]> {
  const sockets: WebSocket[] = []
  while (sockets.length < CONNECTIONS)
    sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => visitor(house)))))
  return sockets
}

async function statusPage({ url: server }: Child): Promise<{ socket: WebSocket; heard(): number }> {
  const socket = new WebSocket(`${server.replace('http', 'ws')}/admin/ws`, ADMIN_SUBPROTOCOL)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  let figures = 0
  socket.on('message', (data: Buffer) => {
    const parsed = parseAdminMessage(data.toString())
    if (parsed.ok && parsed.message.type === 'figures') figures++
  })
  socket.send(JSON.stringify({ type: 'hello', token: TOKEN }))
  return { socket, heard: () => figures }
}

/** The part of one core, in %, that the server took while questions came at their pace. */
async function busy(house: Child, visitors: readonly WebSocket[], scraping: boolean): Promise<number> {
  const [before, began] = [cpuMs(house.pid), performance.now()]
  let nextScrape = began
  for (let asked = 0; asked < QUESTIONS_PER_SECOND * SECONDS; asked++) {
    const due = began + (asked * 1000) / QUESTIONS_PER_SECOND
    await pause(Math.max(0, due - performance.now()))
    visitors[asked % visitors.length]?.send(JSON.stringify({ type: 'ask', id: `q${ids++}`, text: 'Vos prix ?' }))
    if (!scraping || performance.now() < nextScrape) continue
    nextScrape += SCRAPE_MS
    await (await fetch(`${house.url}/metrics`)).text()
  }
  return (100 * (cpuMs(house.pid) - before)) / (performance.now() - began)
}
let ids = 0

async function round(): Promise<{ alone: number; scraped: number; watched: number }> {
  const plain = await startServer(upstream.url)
  let alone: number
  let scraped: number
  try {
    const visitors = await crowd(plain)
    await busy(plain, visitors, false)
    alone = await busy(plain, visitors, false)
    scraped = await busy(plain, visitors, true)
  } finally {
    await plain.end()
  }
  const house = await startServer(upstream.url, { ADMIN_TOKEN: TOKEN })
  try {
    const visitors = await crowd(house)
    const pages = await Promise.all(Array.from({ length: PAGES }, () => statusPage(house)))
    await busy(house, visitors, true)
    const watched = await busy(house, visitors, true)
    if (pages.some((page) => page.heard() < SECONDS / 2)) throw new Error('a status page heard too little')
    return { alone, scraped, watched }
  } finally {
    await house.end()
  }
}

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}\n`)
console.log(`${CONNECTIONS} connections, ${QUESTIONS_PER_SECOND} questions/s, % of one core`)
console.log('round   nobody looks   /metrics scraped   and the status page')
const upstream = await startUpstream()
const rounds: Awaited<ReturnType<typeof round>>[] = []
try {
  for (let i = 1; i <= ROUNDS; i++) {
    const each = await round()
    rounds.push(each)
    const cells = [each.alone, each.scraped, each.watched].map((part) => part.toFixed(2).padStart(17))
    console.log(`${String(i).padStart(5)}${cells.join('')}`)
  }
} finally {
  await upstream.end()
}
const added = median(rounds.map(({ alone, watched }) => watched - alone))
console.log(`\nadded: ${added.toFixed(2)} % of one core (goal <= ${GOAL})  ${added <= GOAL ? 'reached' : 'MISSED'}`)
