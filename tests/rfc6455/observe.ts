import { setImmediate as turn } from 'node:timers/promises'
import { type Frame, opcodes, type RawSocket, rawSocket } from '../helpers/raw-socket.ts'
import { type Case, close, FRAMES, LOOK, ping, type Step } from './case.ts'

const END = 'the end'

/** Plays the case; what was seen, in order: `heard`, `pong …`, `open`, `close 1002`, `cut` (no close), or `nothing`. */
export async function observe(url: string, { steps, chop, offer }: Case): Promise<string> {
  const socket = await rawSocket(url, { 'Sec-WebSocket-Extensions': offer })
  const seen: string[] = socket.answer.headers.has('sec-websocket-extensions') ? ['an extension'] : []
  let over = false
  const hearing = listen(socket, seen, () => {
    over = true
  })
  for (const step of chop === undefined ? together(steps()) : steps()) {
    if (over) break
    if (step === LOOK) {
      await elsewhere(url)
      if (!over) seen.push('open')
    } else await write(socket, step, chop ?? FRAMES, () => over)
  }
  if (!over) socket.send(ping(END))
  await hearing
  socket.destroy()
  return seen.length === 0 ? 'nothing' : counted(seen).join(', ')
}

/** Until the pong of the end, or until the server has hung up, as it must after a close. */
async function listen(socket: RawSocket, seen: string[], closed: () => void): Promise<void> {
  let whole = false
  for (;;) {
    const frame = await socket.next()
    if (!frame) {
      if (!whole) seen.push('cut')
      return closed()
    }
    if (frame.opcode === opcodes.pong && frame.payload.toString() === END) return
    const event = eventOf(frame)
    if (event !== undefined) seen.push(event)
    if (frame.opcode !== opcodes.close) continue
    whole = true
    closed()
    socket.send(close(1000))
  }
}

function eventOf({ opcode, payload }: Frame): string | undefined {
  if (opcode === opcodes.pong) return `pong ${payload.toString('latin1')}`
  if (opcode === opcodes.close) return `close ${payload.length > 0 ? payload.readUInt16BE(0) : 1005}`
  // The welcome of who said hello answers nothing that a case is about.
  return payload.includes('"type":"error"') ? 'heard' : undefined
}

/** Neighbours in one write, as one packet. */
function together(steps: readonly Step[]): Step[] {
  const joined: Step[] = []
  for (const step of steps) {
    const last = joined.at(-1)
    if (step === LOOK || last === undefined || last === LOOK) joined.push(step)
    else joined[joined.length - 1] = Buffer.concat([last, step])
  }
  return joined
}

async function write(socket: RawSocket, bytes: Buffer, size: number, over: () => boolean): Promise<void> {
  for (let at = 0; at < bytes.length && !over(); at += size) {
    await socket.write(bytes.subarray(at, at + size))
    // A server in this process reads it now, before the next comes.
    await turn()
  }
}

/** Another visitor's round trip: what the server had to say to what came before is on its way by then. */
async function elsewhere(url: string): Promise<void> {
  const other = await rawSocket(url)
  other.send(ping())
  await other.next()
  other.destroy()
}

/** Three times the same or more: how often depends on how fast the clock runs meanwhile. */
function counted(seen: readonly string[]): string[] {
  const counts: [event: string, times: number][] = []
  for (const event of seen) {
    const last = counts.at(-1)
    if (last?.[0] === event) last[1]++
    else counts.push([event, 1])
  }
  return counts.flatMap(([event, times]) => (times > 2 ? `${event} again and again` : Array(times).fill(event)))
}
