import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { type AdminServerMessage, parseAdminMessage } from '../../protocol/admin.ts'
import { handshake, opcodes, type RawSocket, rawSocket } from './raw-socket.ts'

export const ADMIN_TOKEN = 'admin-token-0123456789'
export const here = { Host: '127.0.0.1' }

export type AdminSocket = RawSocket & {
  /** The next message, which must be of this type. */
  expect<T extends AdminServerMessage['type']>(type: T): Promise<Extract<AdminServerMessage, { type: T }>>
  /** The next of this type; others are dropped. */
  hear<T extends AdminServerMessage['type']>(type: T): Promise<Extract<AdminServerMessage, { type: T }>>
}

/** A socket to the status page's address, its handshake admitted or refused. */
export async function adminSocket(url: string, headers: Record<string, string> = {}): Promise<AdminSocket> {
  const socket = await rawSocket(url, {}, handshake(headers, '/admin/ws'))
  const next = async (): Promise<AdminServerMessage> => {
    const found = await socket.next(({ opcode }) => opcode === opcodes.text)
    const parsed = parseAdminMessage(found?.payload.toString() ?? '')
    if (!parsed.ok) throw new Error(`no message: ${found?.payload}`)
    return parsed.message
  }
  const is = <T extends AdminServerMessage['type']>(
    message: AdminServerMessage,
    type: T,
  ): message is Extract<AdminServerMessage, { type: T }> => message.type === type
  return {
    ...socket,
    async expect(type) {
      const message = await next()
      if (is(message, type)) return message
      throw new Error(`${type} was expected, but ${JSON.stringify(message)} came`)
    },
    async hear(type) {
      for (;;) {
        const message = await next()
        if (is(message, type)) return message
      }
    },
  }
}

/** A socket that is let in. */
export async function adminIn(url: string, headers: Record<string, string> = {}) {
  const socket = await adminSocket(url, headers)
  assert.is(socket.answer.status, 101)
  socket.say({ type: 'hello', token: ADMIN_TOKEN })
  return { socket, welcome: await socket.expect('welcome') }
}

/** A folder with what the build makes of the page and of the status page, but almost empty. */
export async function withBarePages(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-admin-'))
  try {
    for (const name of ['index.html', 'admin.html', 'admin-0a1b2c3d.js', 'admin-0a1b2c3d.css', 'page-0a1b2c3d.js'])
      await writeFile(join(dir, name), `content of ${name}`)
    await use(dir)
  } finally {
    await rm(dir, { recursive: true })
  }
}
