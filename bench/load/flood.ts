import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Job, Load } from './job.ts'
import type { Say } from './paced.ts'

type Flood = Extract<Job, { at: 'flood' }>
type Tally = { tries: number; admitted: number; refused: number; failed: number }

const KEY = Buffer.from('le-mecano-floods').toString('base64')
const POLITE = 19
const MOST_WAIT_MS = 60_000

/**
 * Upgrades at a steady rate, each on a connection of its own, hung up at the first byte of the answer. Never more than
 * `atOnce` at a time: who is not answered in time slows it down. It gives way to everything else on its core.
 */
export async function flood({ urls }: Load, job: Flood, say: Say): Promise<void> {
  giveWay()
  const { hostname, port } = new URL(urls[0] ?? '')
  const bytes = requestOf(job)
  const tally: Tally = { tries: 0, admitted: 0, refused: 0, failed: 0 }
  let open = 0
  const attempt = () => {
    const host = addressOf(job, tally.tries++)
    open++
    const socket = connect({ host: hostname, port: Number(port), localAddress: host })
    let answered = false
    socket.write(bytes)
    socket.on('data', (chunk: Buffer) => {
      if (answered) return
      answered = true
      if (chunk.toString('latin1', 9, 12) === '101') tally.admitted++
      else tally.refused++
      socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      open--
      if (!answered) tally.failed++
    })
  }
  const go = once(process, 'SIGUSR2')
  // A signal that is waited for keeps no process alive.
  const alive = setTimeout(() => {}, MOST_WAIT_MS)
  say({ at: 'armed' })
  await go
  clearTimeout(alive)
  const began = performance.now()
  for (let now = began; now - began < job.windowMs; now = performance.now()) {
    const due = Math.min(((now - began) * job.rate) / 1000 - tally.tries, job.atOnce - open)
    for (let n = 0; n < due; n++) attempt()
    await pause(1)
  }
  say({ at: 'end', ms: performance.now() - began, ...tally })
}

/** Runs only when nothing else wants its core: it must not be what the visitor waits for. */
function giveWay(): void {
  setPriority(POLITE)
  try {
    execFileSync('chrt', ['--idle', '--pid', '0', String(process.pid)])
  } catch {
    // Without util-linux's chrt it stays at that.
  }
}

function requestOf({ origin }: Flood): string {
  const head = ['GET /ws HTTP/1.1', 'Host: chat.example', 'Connection: Upgrade', 'Upgrade: websocket']
  const more = ['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${KEY}`]
  return [...head, ...more, ...(origin === undefined ? [] : [`Origin: ${origin}`]), '', ''].join('\r\n')
}

const addressOf = ({ addresses, first }: Flood, n: number): string => {
  const index = first + (n % addresses)
  return `127.66.${Math.floor(index / 250)}.${1 + (index % 250)}`
}
