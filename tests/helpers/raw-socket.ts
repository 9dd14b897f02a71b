import { randomBytes } from 'node:crypto'
import { dial, parseAnswer, type RawAnswer } from './raw-http.ts'

export type Frame = { opcode: number; fin: boolean; payload: Buffer }
/** How a frame breaks the rules: `rsv` are the reserved bits (0 to 7). */
export type FrameOptions = { fin?: boolean; masked?: boolean; rsv?: number }

export const opcodes = { rest: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** The bytes of one frame as a browser sends it, or worse. */
export function frame(opcode: number, data: string | Buffer = '', options: FrameOptions = {}): Buffer {
  const { fin = true, masked = true, rsv = 0 } = options
  const payload = Buffer.from(data)
  const size = payload.length
  const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10)
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  head[1] = (masked ? 0x80 : 0) | (size < 126 ? size : size < 65_536 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(size, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2)
  if (!masked) return Buffer.concat([head, payload])
  const mask = randomBytes(4)
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))])
}

/** The bytes of a handshake; `headers` replace or (undefined) leave out the usual ones. */
export function handshake(
  headers: Readonly<Record<string, string | undefined>> = {},
  path = '/ws',
  method = 'GET',
): string {
  const all = {
    Host: 'chat.example',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}`))
  return [`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n')
}

export type RawSocket = {
  answer: RawAnswer
  /** The close code that came, once one has. */
  readonly code: number | undefined
  send(...bytes: readonly Buffer[]): void
  /** Resolves once the bytes are with the system, or can't get there any more: what is written next is a packet of its own. */
  write(bytes: Buffer): Promise<void>
  say(message: object): void
  /** The next frame that `fits`; undefined: the connection ended before. Frames before it are dropped. */
  next(fits?: (frame: Frame) => boolean): Promise<Frame | undefined>
  /** Stops and starts reading from the network. */
  pause(): void
  resume(): void
  /** Waits for the end: the close code that came; undefined: it ended without one. */
  closeCode(): Promise<number | undefined>
  /** Says that nothing more will come, and goes on listening. */
  finish(): void
  /** Hangs up without a word. */
  destroy(): void
}

/** Sends the bytes of a handshake, reads the head of the answer and hangs up. */
export async function knock(url: string, bytes: string): Promise<RawAnswer> {
  const { answer, destroy } = await rawSocket(url, {}, bytes)
  destroy()
  return answer
}

/** Opens a WebSocket by hand; one that was refused has ended already. `bytes`: in place of the usual handshake. */
export async function rawSocket(
  url: string,
  headers: Readonly<Record<string, string | undefined>> = {},
  bytes: string | Buffer = handshake(headers),
): Promise<RawSocket> {
  const tcp = dial(url)
  const arrived: Frame[] = []
  let unread = Buffer.alloc(0)
  let answer: RawAnswer | undefined
  let ended = false
  let code: number | undefined
  let wake = () => {}
  tcp.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk])
    const end = unread.indexOf('\r\n\r\n')
    if (!answer && end >= 0) {
      answer = parseAnswer(unread.toString('latin1'))
      unread = unread.subarray(end + 4)
    }
    if (answer?.status === 101) unread = takeFrames(unread, arrived)
    code ??= arrived.flatMap(codeOf)[0]
    wake()
  })
  tcp.on('close', () => {
    ended = true
    wake()
  })
  const woken = () => new Promise<void>((resolve) => (wake = resolve))
  const next = async (fits: (frame: Frame) => boolean = () => true): Promise<Frame | undefined> => {
    for (;;) {
      for (let found = arrived.shift(); found; found = arrived.shift()) if (fits(found)) return found
      if (ended) return undefined
      await woken()
    }
  }
  tcp.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  while (!answer && !ended) await woken()
  if (answer?.status !== 101) while (!ended) await woken()
  return {
    answer: answer ?? parseAnswer(''),
    get code() {
      return code
    },
    send: (...bytes) => void tcp.write(Buffer.concat(bytes)),
    write: (bytes) => new Promise((resolve) => tcp.write(bytes, () => resolve())),
    say: (message) => void tcp.write(frame(opcodes.text, JSON.stringify(message))),
    next,
    pause: () => void tcp.pause(),
    resume: () => void tcp.resume(),
    async closeCode() {
      const found = await next(({ opcode }) => opcode === opcodes.close)
      if (found) tcp.end(frame(opcodes.close, found.payload))
      while (!ended) await woken()
      return found && codeOf(found)[0]
    },
    finish: () => void tcp.end(),
    destroy: () => void tcp.destroy(),
  }
}

const codeOf = ({ opcode, payload }: Frame): number[] =>
  opcode === opcodes.close && payload.length >= 2 ? [payload.readUInt16BE(0)] : []

/** Moves the whole frames of `bytes` to `into`; returns what is left. */
function takeFrames(bytes: Buffer<ArrayBuffer>, into: Frame[]): Buffer<ArrayBuffer> {
  let rest = bytes
  while (rest.length >= 2) {
    const [first = 0, second = 0] = rest
    const short = second & 0x7f
    const start = short < 126 ? 2 : short === 126 ? 4 : 10
    if (rest.length < start) return rest
    const size = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2))
    if (rest.length < start + size) return rest
    into.push({ opcode: first & 0x0f, fin: (first & 0x80) !== 0, payload: rest.subarray(start, start + size) })
    rest = rest.subarray(start + size)
  }
  return rest
}
