import type { ServerMessage } from '../../protocol/messages.ts'
import { parseServerMessage } from '../../protocol/parse.ts'
import { frame, opcodes, type RawSocket, rawSocket } from '../helpers/raw-socket.ts'
import type { Target } from './target.ts'

type Of<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>
export type End = Of<'done'> | Of<'error'>
/** An answer as it came; `end` undefined: the connection ended before. */
export type Said = { started: boolean; text: string; end: End | undefined }
export type Visitor = {
  socket: RawSocket
  welcome: Of<'welcome'>
  /** The end of the question: done or error; undefined: the connection ended before. */
  ask(id: string, text?: string, more?: object): Promise<End | undefined>
  /** The next message of that type; undefined as above. */
  next<T extends ServerMessage['type']>(type: T): Promise<Of<T> | undefined>
}

/** Opens a socket and says hello; `address` is what a trusted proxy says of it. */
export async function visit({ url }: Pick<Target, 'url'>, address?: string, hello: object = {}): Promise<Visitor> {
  const socket = await rawSocket(url, { 'X-Forwarded-For': address })
  socket.say({ type: 'hello', ...hello })
  const next = async <T extends ServerMessage['type']>(type: T): Promise<Of<T> | undefined> => {
    for (;;) {
      const message = await nextMessage(socket)
      if (!message || isOf(message, type)) return message
    }
  }
  const welcome = await next('welcome')
  if (!welcome) throw new Error(`no welcome: ${socket.answer.status}`)
  return {
    socket,
    welcome,
    next,
    async ask(id, text = 'Bonjour ?', more = {}) {
      socket.say({ type: 'ask', id, text, ...more })
      return endOf(socket, id)
    },
  }
}

/** The next end of that id. */
export const endOf = async (socket: RawSocket, id: string): Promise<End | undefined> => (await saidOf(socket, id)).end

/** What came of an id until its next end; without one: until the connection's. `text`: what was there before. */
export async function saidOf(socket: RawSocket, id: string, text = ''): Promise<Said> {
  const said: Said = { started: false, text, end: undefined }
  for (let message = await nextMessage(socket); message; message = await nextMessage(socket)) {
    if (!('id' in message) || message.id !== id) continue
    if (message.type === 'start') said.started = true
    else if (message.type === 'delta') said.text = said.text.slice(0, message.offset) + message.text
    else return { ...said, end: message }
  }
  return said
}

async function nextMessage(socket: RawSocket): Promise<ServerMessage | undefined> {
  const came = await socket.next(({ opcode }) => opcode === opcodes.text || opcode === opcodes.close)
  if (came?.opcode === opcodes.close) await hangUp(socket, came.payload)
  if (came?.opcode !== opcodes.text) return undefined
  const parsed = parseServerMessage(came.payload.toString())
  if (!parsed.ok) throw new Error(`${parsed.reason}: ${came.payload}`)
  return parsed.message
}

/** Answers a close as a browser does, and waits for the end. */
async function hangUp(socket: RawSocket, payload: Buffer): Promise<void> {
  socket.send(frame(opcodes.close, payload))
  await socket.next(() => false)
}

const isOf = <T extends ServerMessage['type']>(message: ServerMessage, type: T): message is Of<T> =>
  message.type === type

/** `198.18.x.y`: addresses of a network that is for measurements. */
export const addressOf = (n: number): string => `198.18.${Math.floor(n / 250)}.${1 + (n % 250)}`
