import type { IncomingMessage } from 'node:http'
import { ADMIN_SUBPROTOCOL, type AdminAbout, type AdminBudget } from '../protocol/admin.ts'
import type { Clock } from './clock.ts'
import type { Service } from './http/handler.ts'
import type { Log } from './log.ts'
import { createBoard } from './ops/admin/board.ts'
import { type Caller, createDoor } from './ops/admin/door.ts'
import { processReader } from './ops/admin/process.ts'
import { AdminTalk } from './ops/admin/talk.ts'
import type { Tally } from './ops/admin/tally.ts'
import type { TrustedProxies } from './quota/address.ts'
import { createGateway, type Gateway } from './socket/gateway.ts'
import { memoryStore } from './stores/memory.ts'

/** What the status page needs of the server around it; there is none without a token. */
export type AdminSource = {
  token: string
  tally: Tally
  about: AdminAbout
  budget(): Promise<AdminBudget | undefined>
}
export type AdminRoomParts = AdminSource & {
  clock: Clock
  log: Log
  trustedProxies: TrustedProxies
  live(): { connections: number; streams: number }
}
export type AdminRoom = Pick<Gateway, 'upgrade' | 'close'>

const ADMIN_PATH = '/admin/ws'
const MAX_CONNECTIONS = 100
const MAX_CONNECTIONS_PER_ADDRESS = 10
const MAX_FRAME_BYTES = 2048

/** The sockets of the status page: those of our own origin, or of no browser, that show the token. */
export function createAdminRoom(parts: AdminRoomParts): AdminRoom {
  const { clock, token, tally, about, live, budget } = parts
  const log = parts.log.child({ room: 'admin' })
  const board = createBoard({ clock, tally, live, budget, process: processReader() })
  const door = createDoor({ token, trustedProxies: parts.trustedProxies, buckets: memoryStore(clock).buckets })
  const gateway = createGateway<{ caller: Caller; c?: string }>({
    clock,
    log,
    rules: {
      path: ADMIN_PATH,
      subprotocol: ADMIN_SUBPROTOCOL,
      allowedOrigins: new Set(),
      maxConnections: MAX_CONNECTIONS,
      maxConnectionsPerAddress: MAX_CONNECTIONS_PER_ADDRESS,
    },
    maxFrameBytes: MAX_FRAME_BYTES,
    identify(request) {
      const caller = door(request)
      return { addressKey: caller.key, takeUpgrade: caller.connect, context: () => ({ caller }) }
    },
    connect: (wire, { caller }) => new AdminTalk({ board, about, caller, wire, log }),
    onOpened() {},
    onClosed() {},
    onRefused: ({ status, cause }) => tally.meter.upgradeRefused({ status, cause: `admin_${cause}` }),
  })
  return {
    upgrade: gateway.upgrade,
    close() {
      board.close()
      return gateway.close()
    },
  }
}

/** What a request without an upgrade is told. */
export const adminServices: readonly [path: string, service: Service][] = [
  [
    ADMIN_PATH,
    async () => ({
      status: 426,
      headers: { upgrade: 'websocket', 'content-type': 'text/plain; charset=utf-8' },
      body: 'This address speaks WebSocket\n',
    }),
  ],
]

export const isAdmin = ({ url = '' }: IncomingMessage): boolean => url.split('?', 1)[0] === ADMIN_PATH
