import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { closes } from '../../protocol/closes.ts'
import { burstLimit } from '../burst-limit.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Taken } from '../quota/port.ts'
import { createEmptyBuckets } from './empty-buckets.ts'
import { Socket, socketLimits, type Talk } from './socket.ts'
import { judgeUpgrade, refusalBytes, type UpgradeRefusal, type UpgradeRules } from './upgrade.ts'

/** Who knocks: the key of the address, the upgrade bucket, and what is kept of him for the talk (`c` names it in the log). */
export type Visitor<Context> = { addressKey: string; takeUpgrade(): Promise<Taken>; context(): Context }

export type GatewayParts<Context> = {
  clock: Clock
  log: Log
  rules: UpgradeRules
  maxFrameBytes: number
  identify(request: IncomingMessage): Visitor<Context>
  connect(wire: Pick<Socket, 'send' | 'close'>, context: Context): Talk
  onOpened(): void
  onClosed(code: number): void
  onRefused(refusal: UpgradeRefusal): void
}
export type Gateway = {
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void
  readonly connections: number
  /** From now on upgrades are refused with 503, and sockets with no answer on its way are closed. */
  drain(): void
  /** Closes the rest with 1012; resolves when every socket has gone, by force after the closing time. */
  close(): Promise<void>
}

/** Opens WebSockets for those whom the rules and the buckets admit, and keeps their heartbeat. */
export function createGateway<Context extends { c?: string }>(parts: GatewayParts<Context>): Gateway {
  const { clock, log, rules } = parts
  const places = new Places()
  const emptyBuckets = createEmptyBuckets(clock.monotonic)
  const open = new Map<Socket, Talk>()
  // Floods of pings are ours to end, with a code: ws's own bound would hang up without one.
  const bounds = {
    maxPayload: parts.maxFrameBytes,
    maxFragments: 256,
    maxPendingAutoPongs: 0,
    closeTimeout: socketLimits.closeMs,
  }
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    ...bounds,
    handleProtocols: (offered) => (offered.has(rules.subprotocol) ? rules.subprotocol : false),
  })
  let draining = false
  let emptied = () => {}

  const tick = () => {
    for (const socket of open.keys()) socket.tick()
    stopTicking = clock.after(1000, tick)
  }
  let stopTicking = clock.after(1000, tick)

  // A refusal costs a stranger nothing, so it must not cost a line each.
  const mayLog = burstLimit(60, 1)
  let unlogged = 0
  const logRefusal = ({ status, cause }: UpgradeRefusal) => {
    if (!mayLog(clock.monotonic())) {
      unlogged++
      return
    }
    log.info('upgrade_refused', { status, cause, ...(unlogged > 0 && { unlogged }) })
    unlogged = 0
  }
  const refuse = (stream: Duplex, refusal: UpgradeRefusal) => {
    parts.onRefused(refusal)
    logRefusal(refusal)
    stream.once('finish', () => stream.destroy())
    stream.end(refusalBytes(refusal))
  }
  const accept = (ws: WebSocket, stream: Duplex, visitor: Visitor<Context>, leave: () => void) => {
    const socket = new Socket(ws, stream, clock.monotonic)
    const context = visitor.context()
    const talk = parts.connect(socket, context)
    open.set(socket, talk)
    parts.onOpened()
    let broken: string | undefined
    // ws has closed it already, with the code for what was broken.
    ws.on('error', (error: Error & { code?: unknown }) => {
      broken = String(error.code ?? error.name)
    })
    ws.on('close', (code) => {
      open.delete(socket)
      leave()
      talk.closed()
      const ms = Math.round(clock.monotonic() - socket.openedAt)
      parts.onClosed(code)
      log.info('connection', { c: context.c, code, ms, frames: socket.frames, broken })
      if (open.size === 0) emptied()
    })
    socket.serve(talk)
    if (draining) socket.close(closes.restart)
  }
  const admit = async (request: IncomingMessage, stream: Duplex, head: Buffer, visitor: Visitor<Context>) => {
    const leave = places.take(visitor.addressKey)
    stream.once('close', leave)
    const taken = await visitor.takeUpgrade().catch(() => undefined)
    if (!taken) return refuse(stream, { ok: false, status: 503, cause: 'store', retryAfterMs: 5000 })
    if (!taken.ok) {
      emptyBuckets.note(visitor.addressKey, taken.retryAfterMs)
      return refuse(stream, tooManyUpgrades(taken.retryAfterMs))
    }
    if (draining) return refuse(stream, { ok: false, status: 503, cause: 'draining', retryAfterMs: 5000 })
    if (!stream.destroyed) server.handleUpgrade(request, stream, head, (ws) => accept(ws, stream, visitor, leave))
  }

  return {
    upgrade(request, stream, head) {
      stream.on('error', () => stream.destroy())
      // Its place would never be given back.
      if (stream.destroyed) return
      const visitor = parts.identify(request)
      const verdict = judgeUpgrade(
        {
          path: (request.url ?? '').split('?', 1)[0] ?? '',
          host: request.headers.host,
          origin: request.headers.origin,
          subprotocols: request.headers['sec-websocket-protocol'],
          draining,
          connections: places.count,
          connectionsOfAddress: places.of(visitor.addressKey),
        },
        rules,
      )
      if (!verdict.ok) return refuse(stream, verdict)
      const waitMs = emptyBuckets.waitMs(visitor.addressKey)
      if (waitMs > 0) return refuse(stream, tooManyUpgrades(waitMs))
      void admit(request, stream, head, visitor)
    },
    get connections() {
      return open.size
    },
    drain() {
      draining = true
      for (const [socket, talk] of open) if (!talk.answering) socket.close(closes.restart)
    },
    async close() {
      draining = true
      stopTicking()
      for (const socket of open.keys()) socket.close(closes.restart)
      if (open.size === 0) return
      await new Promise<void>((resolve) => {
        emptied = resolve
        clock.after(socketLimits.closeMs, () => {
          for (const socket of open.keys()) socket.destroy()
        })
      })
    },
  }
}

const tooManyUpgrades = (retryAfterMs: number): UpgradeRefusal => ({
  ok: false,
  status: 429,
  cause: 'upgrades',
  retryAfterMs,
})

/** How many connections there are, in all and per address; a place is taken before the first wait. */
class Places {
  count = 0
  private readonly perAddress = new Map<string, number>()

  of(addressKey: string): number {
    return this.perAddress.get(addressKey) ?? 0
  }

  /** Returns how to give it back, which may be called again. */
  take(addressKey: string): () => void {
    this.count++
    this.perAddress.set(addressKey, this.of(addressKey) + 1)
    let taken = true
    return () => {
      if (!taken) return
      taken = false
      this.count--
      const rest = this.of(addressKey) - 1
      if (rest > 0) this.perAddress.set(addressKey, rest)
      else this.perAddress.delete(addressKey)
    }
  }
}
