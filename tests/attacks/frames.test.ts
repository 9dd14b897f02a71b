import { once } from 'node:events'
import { deflateRawSync } from 'node:zlib'
import { test } from 'uvu'
import { buildApp } from '../helpers/built-app.ts'
import { dial, exchange, parseAnswer, readAll } from '../helpers/raw-http.ts'
import { frame, handshake, opcodes, rawSocket } from '../helpers/raw-socket.ts'
import { attack, type Toll, times } from './attack.ts'
import { openTarget, type Target } from './target.ts'
import { visit } from './visitor.ts'

const app = buildApp()
const env = { MAX_OUTPUT_TOKENS: '20000' }
let opened: Promise<Target> | undefined
const target = () => (opened ??= app.then((built) => openTarget({ app: built, env })))
const MEGABYTE = 1 << 20

/** More memory than `most` megabytes is lost; a garbage collector leaves some room. */
async function memoryStays(target: Target, toll: Toll, before: number, most: number): Promise<void> {
  const grown = (await target.rss()) - before
  if (grown > most * MEGABYTE) toll.lost(`${Math.round(grown / MEGABYTE)} MB more`)
}

const text = (data: string | Buffer, fin = true) => frame(opcodes.text, data, { fin })
const rest = (data: string | Buffer, fin = true) => frame(opcodes.rest, data, { fin })
const HOSTILE: [name: string, code: number, bytes: () => Buffer[]][] = [
  ['tiny fragments', 1008, () => [text('{', false), ...Array.from({ length: 300 }, () => rest('x', false))]],
  ['empty fragments', 1008, () => [text('', false), ...Array.from({ length: 300 }, () => rest('', false))]],
  ['a flood of pings', 4429, () => Array.from({ length: 500 }, () => frame(opcodes.ping, 'x'.repeat(125)))],
  ['a flood of pongs', 4429, () => Array.from({ length: 500 }, () => frame(opcodes.pong))],
  ['pings between fragments', 4429, () => [text('{', false), ...Array.from({ length: 300 }, () => frame(9))]],
  ['bytes that are no text', 1007, () => [text(Buffer.from([0x22, 0xff, 0x22]))]],
  ['reserved bits', 1002, () => [frame(opcodes.text, '{}', { rsv: 7 })]],
  ['an opcode that is none', 1002, () => [frame(3, '{}')]],
  ['an unmasked frame', 1002, () => [frame(opcodes.text, '{}', { masked: false })]],
]

attack(15, 'fragments, floods of control frames, bad UTF-8, reserved bits, no mask', target, async (target, toll) => {
  const before = await target.rss()
  for (let round = 0; round < times(10, 200); round++) {
    for (const [name, wanted, bytes] of HOSTILE) {
      const socket = await rawSocket(target.url)
      socket.send(...bytes())
      const code = await socket.closeCode()
      toll.tried()
      if (code !== wanted) toll.lost(`${name}: ${code}, not ${wanted}`)
    }
  }
  await memoryStays(target, toll, before, 100)
})

/** The head of a masked text frame of so many bytes. */
function headOf(size: number): Buffer {
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  head.writeBigUInt64BE(BigInt(size), 2)
  return head
}

attack(16, '100 MB in one message, compression bombs', target, async (target, toll) => {
  const before = await target.rss()
  const lump = Buffer.alloc(MEGABYTE)
  for (let n = 0; n < times(1, 5); n++) {
    const socket = await rawSocket(target.url)
    socket.send(headOf(100 * MEGABYTE))
    for (let sent = 0; sent < 100; sent++) socket.send(lump)
    const code = await socket.closeCode()
    toll.tried()
    if (code !== 1009) toll.lost(`100 MB: ${code}`)
  }
  const bomb = deflateRawSync(Buffer.alloc(5 * MEGABYTE))
  for (let n = 0; n < times(20, 200); n++) {
    const socket = await rawSocket(target.url, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
    if (socket.answer.headers.has('sec-websocket-extensions')) toll.lost('compression was agreed on')
    socket.send(frame(opcodes.text, bomb, { rsv: 4 }))
    const code = await socket.closeCode()
    toll.tried()
    if (code !== 1002) toll.lost(`a bomb: ${code}`)
    const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: deflate\r\nContent-Length: ${bomb.length}\r\n\r\n`
    const { status } = await exchange(target.url, head + bomb.toString('latin1'))
    if (status !== 405) toll.lost(`a body: ${status}`)
  }
  await memoryStays(target, toll, before, 100)
})

attack(17, 'readers that do not read', target, async (target, toll) => {
  // The first ones show what such long answers need by themselves.
  await ignoreAnswers(target, toll, 1)
  const before = await target.rss()
  for (let round = 0; round < times(1, 10); round++) await ignoreAnswers(target, toll, 1)
  await memoryStays(target, toll, before, 100)
})

async function ignoreAnswers({ url, emulator }: Target, toll: Toll, count: number): Promise<void> {
  // More than the kernel's buffers hold for a reader that doesn't read.
  const pieces = Array.from({ length: 100 }, () => 'x'.repeat(100_000))
  const wholeBytes = pieces.join('').length
  emulator.setScenario({ name: 'ok', gated: true, bytesPerToken: 1000, chunks: pieces })
  const wanted = emulator.ledger().requests + count
  const crowd = await Promise.all(Array.from({ length: count }, () => visit({ url })))
  for (const { socket } of crowd) socket.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
  await Promise.all(crowd.map(({ next }) => next('start')))
  for (const { socket } of crowd) socket.pause()
  emulator.release(pieces.length * count)
  await emulator.changed(({ requests, open }) => requests === wanted && open === 0)
  emulator.setScenario(null)
  for (const { socket } of crowd) {
    let got = 0
    socket.resume()
    const close = await socket.next(({ opcode, payload }) => {
      got += payload.length
      return opcode === opcodes.close
    })
    toll.tried()
    // Without a code: it didn't even read as long as the closing handshake may take.
    if (close && close.payload.readUInt16BE(0) !== 4413) toll.lost(`closed with ${close.payload.readUInt16BE(0)}`)
    if (got >= wholeBytes) toll.lost('all was buffered')
    socket.destroy()
  }
}

attack(18, 'half-open upgrades, slow headers, silent sockets', target, async (target, toll) => {
  const base = target.descriptors()
  const half = handshake().slice(0, -20)
  const each = times(10, 200)
  const slow = ['', 'GET / HT', half, `${half}X-Slow: `].flatMap((bytes) =>
    Array.from({ length: each }, async () => {
      const socket = dial(target.url)
      socket.write(bytes)
      const { status } = parseAnswer(await readAll(socket))
      toll.tried()
      if (status !== 408) toll.lost(`slow headers: ${status}`)
    }),
  )
  const gone = Array.from({ length: each }, async () => {
    const socket = dial(target.url)
    socket.write(handshake(), () => socket.resetAndDestroy())
    await once(socket, 'close')
    toll.tried()
  })
  const silent = Array.from({ length: each }, async () => {
    const socket = await rawSocket(target.url)
    const code = await socket.closeCode()
    toll.tried()
    if (code !== 4408) toll.lost(`a silent socket: ${code}`)
  })
  await Promise.all([...slow, ...gone, ...silent])
  if (base === undefined) return
  for (let looks = 0; (target.descriptors() ?? 0) > base; looks++) {
    if (looks > 500) return toll.lost(`${target.descriptors()} descriptors of ${base}`)
    await target.metric('le_mecano_connections')
  }
})

test('the server ends', async () => (await target()).close())
test('the built copy is removed', async () => (await app).remove())

test.run()
