import { frame, opcodes } from '../helpers/raw-socket.ts'

/** In place of bytes: has the server closed by now? If not, `open` is seen. */
export const LOOK = Symbol('look')
export type Step = Buffer | typeof LOOK
export const FRAMES = Number.POSITIVE_INFINITY

/**
 * One case of Autobahn's, by its number. This server echoes nothing, so what is seen are pongs, the close, and `heard`
 * for a text that came through whole and was answered. The first of `wanted` is strict, another is allowed.
 */
export type Case = {
  number: string
  what: string
  wanted: readonly string[]
  steps(): Step[]
  /** So many octets at a time, `FRAMES`: one frame at a time; else all at once. */
  chop?: number
  /** Sec-WebSocket-Extensions of the handshake. */
  offer?: string
}

export const text = (data: string | Buffer, fin = true): Buffer => frame(opcodes.text, data, { fin })
export const rest = (data: string | Buffer, fin = true): Buffer => frame(opcodes.rest, data, { fin })
export const ping = (data: string | Buffer = '', fin = true): Buffer => frame(opcodes.ping, data, { fin })
export const hex = (bytes: string): Buffer => Buffer.from(bytes.replaceAll(' ', ''), 'hex')

export function close(code?: number, reason: string | Buffer = ''): Buffer {
  const head = Buffer.alloc(code === undefined ? 0 : 2)
  if (code !== undefined) head.writeUInt16BE(code)
  return frame(opcodes.close, Buffer.concat([head, Buffer.from(reason)]))
}

/** A message in fragments of so many octets. */
export function pieces(whole: Buffer, size: number, opcode: number = opcodes.text): Buffer[] {
  const count = Math.ceil(whole.length / size)
  return Array.from({ length: count }, (_, n) =>
    frame(n === 0 ? opcode : opcodes.rest, whole.subarray(n * size, (n + 1) * size), { fin: n === count - 1 }),
  )
}

/** `numbered('2', …)` makes 2.1, 2.2 and so on. */
export function numbered<T>(
  name: string,
  values: readonly T[],
  make: (value: T) => [what: string, wanted: string, steps: () => Step[], chop?: number],
): Case[] {
  return values.map((value, n) => {
    const [what, wanted, steps, chop] = make(value)
    return one(`${name}.${n + 1}`, what, wanted, steps, chop)
  })
}

export const one = (number: string, what: string, wanted: string, steps: () => Step[], chop?: number): Case => ({
  number,
  what,
  wanted: [wanted],
  steps,
  ...(chop !== undefined && { chop }),
})
