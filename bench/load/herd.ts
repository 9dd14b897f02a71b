import { WebSocket } from 'ws'
import { Connection, type OpenLink } from '../../client/connection.ts'
import { SUBPROTOCOL } from '../../protocol/messages.ts'
import { type Clock, systemClock } from '../../server/clock.ts'
import type { Job, Load } from './job.ts'
import type { Say } from './paced.ts'

type Seen = { tries: number; refused: number; back: number[] }

/** The system's timers keep no process alive, and while the server is away nothing else would. */
const clock: Clock = {
  ...systemClock,
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

/** Pages as visitors have them, by the page's own connection: they greet, lose the server, and come back by themselves. */
export async function herd({ urls }: Load, job: Extract<Job, { at: 'herd' }>, say: Say): Promise<void> {
  const url = `${(urls[0] ?? '').replace('http', 'ws')}/ws`
  const seen: Seen = { tries: 0, refused: 0, back: [] }
  let open = 0
  let lostAt: number | undefined
  let wake = () => {}
  const changed = () => wake()
  for (let i = 0; i < job.clients; i++) {
    let session: string | undefined
    let was = false
    const connection = new Connection({
      open: linkTo(url, `127.0.0.${2 + (i % job.addresses)}`, seen),
      clock,
      random: Math.random,
      hello: () => (session === undefined ? { type: 'hello' } : { type: 'hello', session }),
      busy: () => false,
      received: (message) => {
        if (message.type === 'welcome') session = message.session
      },
      changed: (status) => {
        const is = status === 'open'
        if (is === was) return
        was = is
        open += is ? 1 : -1
        if (!is) lostAt ??= performance.now()
        if (is && lostAt !== undefined) seen.back.push(performance.now() - lostAt)
        changed()
      },
    })
    connection.wake()
    // So many at once as a listening socket's queue holds.
    if (i % 200 === 199)
      await until(
        (resolve) => (wake = resolve),
        () => open > i - 100,
        job.mostMs,
      )
  }
  await until(
    (resolve) => (wake = resolve),
    () => open === job.clients,
    job.mostMs,
  )
  seen.tries = seen.refused = 0
  say({ at: 'ready', open })
  await until(
    (resolve) => (wake = resolve),
    () => seen.back.length >= job.clients,
    job.mostMs,
  )
  say({ at: 'end', ...seen })
}

/** Waits for `holds`, looked at whenever something changed, `mostMs` at most. */
async function until(onChange: (resolve: () => void) => void, holds: () => boolean, mostMs: number): Promise<void> {
  const deadline = performance.now() + mostMs
  while (!holds() && performance.now() < deadline)
    await new Promise<void>((resolve) => {
      const off = clock.after(100, resolve)
      onChange(() => {
        off()
        resolve()
      })
    })
}

const linkTo =
  (url: string, localAddress: string, seen: Seen): OpenLink =>
  (events) => {
    seen.tries++
    const socket = new WebSocket(url, SUBPROTOCOL, { localAddress, perMessageDeflate: false })
    socket.on('open', events.opened)
    socket.on('message', (data) => events.text(data.toString()))
    socket.on('unexpected-response', () => {
      seen.refused++
      socket.terminate()
    })
    socket.on('error', () => {})
    socket.on('close', events.closed)
    return { send: (text) => socket.send(text), close: () => socket.close(1000) }
  }
