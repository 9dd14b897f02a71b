import { setImmediate } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import type { Log, LogFields } from '../../server/log.ts'
import { frame, handshake, knock, opcodes, type RawSocket, rawSocket } from './raw-socket.ts'
import { startServer, type TestServer, type TestServerOptions } from './server.ts'

export type Line = { event: string; fields: LogFields }

export function recordingLog(lines: Line[]): Log {
  const add = (event: string, fields: LogFields = {}) => void lines.push({ event, fields })
  const log: Log = { info: add, warn: add, error: add, child: () => log }
  return log
}

/** Upgrades are not scarce here unless a test makes them so. */
export async function withServer(
  env: Record<string, string>,
  run: (server: TestServer) => Promise<void>,
  options: TestServerOptions = {},
): Promise<void> {
  const server = await startServer({ IP_UPGRADE_BURST: '1000', IP_UPGRADES_PER_MINUTE: '1000', ...env }, options)
  try {
    await run(server)
  } finally {
    await server.close()
  }
}
export const statusOf = async (server: TestServer, headers: Record<string, string | undefined>, path = '/ws') =>
  (await knock(server.url, handshake(headers, path))).status

/** Waits until the server has let go of every connection. */
export async function vacated({ house }: TestServer): Promise<void> {
  while (house.app.connections > 0) await setImmediate()
}
/** The only place is free again: somebody else can take it. */
export async function assertVacated(server: TestServer): Promise<void> {
  await vacated(server)
  const next = await rawSocket(server.url)
  assert.is(next.answer.status, 101)
  next.destroy()
  await vacated(server)
}
/** Once the pong is back, the server has dealt with all that was sent before. */
export async function fence(socket: RawSocket): Promise<void> {
  socket.send(frame(opcodes.ping, 'fence'))
  await socket.next(({ opcode, payload }) => opcode === opcodes.pong && payload.toString() === 'fence')
}
export const heard = (socket: RawSocket, type: string) =>
  socket.next(({ payload }) => payload.includes(`"type":"${type}"`))
