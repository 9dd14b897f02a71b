import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { type Close, closes } from '../../protocol/closes.ts'
import { burstLimit } from '../burst-limit.ts'
import { textFrame } from './text-frame.ts'

/** Bounds of one connection, in ms and bytes. */
export const socketLimits = {
  helloMs: 10_000,
  idleMs: 15 * 60_000,
  pingMs: 25_000,
  missedPings: 2,
  unsentBytes: 256 * 1024,
  framesAtOnce: 60,
  framesPerSecond: 20,
  closeMs: 5000,
} as const

/** Who speaks at our end of a socket: `greeted` once hello came; while it is `answering`, silence is no idleness. */
export type Talk = {
  readonly greeted: boolean
  readonly answering: boolean
  receive(text: string): void
  closed(): void
}

/** One WebSocket: counts frames, watches the heartbeat and what stays unsent, and never throws. */
export class Socket {
  readonly openedAt: number
  frames = 0
  private readonly mayReceive = burstLimit(socketLimits.framesAtOnce, socketLimits.framesPerSecond)
  private talk: Talk | undefined
  private lastHeardAt: number
  private nextPingAt: number
  private unansweredPings = 0

  constructor(
    private readonly ws: WebSocket,
    /** What `ws` writes to: our frames go there in one piece, where ws would write a head and a text. */
    private readonly stream: Duplex,
    private readonly now: () => number,
  ) {
    this.openedAt = this.lastHeardAt = now()
    this.nextPingAt = this.openedAt + socketLimits.pingMs
  }

  /** Hands every text frame to `talk` from now on. */
  serve(talk: Talk): void {
    this.talk = talk
    this.ws.on('message', (data: Buffer, isBinary: boolean) => {
      if (!this.admitFrame()) return
      this.lastHeardAt = this.now()
      if (isBinary) this.close(closes.notText)
      else talk.receive(data.toString('utf8'))
    })
    this.ws.on('ping', () => this.admitFrame())
    this.ws.on('pong', () => {
      this.unansweredPings = 0
      this.admitFrame()
    })
  }

  send(message: object): void {
    if (this.ws.readyState !== this.ws.OPEN) return
    this.stream.write(frameOf(message))
    if (this.isClogged()) this.close(closes.tooSlow)
  }

  close({ code, reason }: Close): void {
    if (this.ws.readyState === this.ws.OPEN) this.ws.close(code, reason)
  }

  /** Ends it at once, without the closing handshake. */
  destroy(): void {
    this.ws.terminate()
  }

  /** Called about once a second: hello's deadline, idleness, what stays unsent, pings. */
  tick(): void {
    const now = this.now()
    if (this.ws.readyState !== this.ws.OPEN) return
    const { talk } = this
    if (talk?.answering) this.lastHeardAt = now
    const mute = !talk?.greeted && now - this.openedAt > socketLimits.helloMs
    if (mute || now - this.lastHeardAt > socketLimits.idleMs) this.close(closes.silent)
    else if (this.isClogged()) this.close(closes.tooSlow)
    else if (now >= this.nextPingAt) this.ping(now)
  }

  private ping(now: number): void {
    if (this.unansweredPings >= socketLimits.missedPings) {
      this.destroy()
      return
    }
    this.unansweredPings++
    this.nextPingAt = now + socketLimits.pingMs
    this.ws.ping()
  }

  /** Pongs count too, and they are sent by ws itself. */
  private isClogged(): boolean {
    return this.ws.bufferedAmount > socketLimits.unsentBytes
  }

  private admitFrame(): boolean {
    if (this.ws.readyState !== this.ws.OPEN) return false
    this.frames++
    if (this.mayReceive(this.now())) return true
    this.close(closes.flooding)
    return false
  }
}

let lastMessage: object | undefined
let lastFrame = textFrame('')

/** Sockets of one session get the same message object in a row, so it is written out once. */
function frameOf(message: object): Buffer {
  if (message !== lastMessage) {
    lastMessage = message
    lastFrame = textFrame(JSON.stringify(message))
  }
  return lastFrame
}
