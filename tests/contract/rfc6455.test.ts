import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { frame, opcodes, rawSocket } from '../helpers/raw-socket.ts'
import { startServer } from '../helpers/server.ts'

// Autobahn's cases by their numbers. This server echoes nothing, so what a case sees is the pong, the close code, or
// `heard`: the frames came through as one message, which is no JSON of ours and is answered with bad_message.
type Seen = 'heard' | `pong ${string}` | `close ${number}`
type Case = [number: string, what: string, wanted: Seen, ...frames: Buffer[]]

const text = (data: string | Buffer, fin = true) => frame(opcodes.text, data, { fin })
const rest = (data: string | Buffer, fin = true) => frame(opcodes.rest, data, { fin })
const ping = (data: string | Buffer = '', fin = true) => frame(opcodes.ping, data, { fin })
const hex = (bytes: string) => Buffer.from(bytes.replaceAll(' ', ''), 'hex')
const close = (code?: number, reason = '') => {
  const head = Buffer.alloc(code === undefined ? 0 : 2)
  if (code !== undefined) head.writeUInt16BE(code)
  return frame(opcodes.close, Buffer.concat([head, Buffer.from(reason)]))
}
const numbered = <T>(name: string, values: readonly T[], make: (value: T) => [string, Seen, ...Buffer[]]): Case[] =>
  values.map((value, n): Case => [`${name}.${n + 1}`, ...make(value)])

const SIZES = [0, 125, 126, 127, 128, 7000]
const VALID = ['ce ba', 'e2 82 ac', 'f0 90 80 80', 'f4 8f bf bf', 'ed 9f bf', 'ee 80 80', 'ef bf bd', '7f', 'df bf']
const INVALID = [
  '80',
  'bf',
  'c0 af',
  'e0 80 af',
  'f0 80 80 af',
  'f4 90 80 80',
  'ed a0 80',
  'ed bf bf',
  'ce',
  'f5 80 80 80',
]
const MORE_INVALID = ['fe', 'ff', 'fe fe ff ff', 'c1 bf', 'e0 9f bf', 'f8 88 80 80 80', 'e2 82', 'ce ba ff ce ba']

const cases: Case[] = [
  ...numbered('1.1', SIZES, (size) => [`text of ${size}`, 'heard', text('x'.repeat(size))]),
  ...numbered('1.2', SIZES, (size) => [`binary of ${size}`, 'close 1003', frame(opcodes.binary, 'x'.repeat(size))]),
  ['2.1', 'ping without data', 'pong ', ping()],
  ['2.2', 'ping with data', 'pong Hello', ping('Hello')],
  ['2.4', 'ping of 125', `pong ${'x'.repeat(125)}`, ping('x'.repeat(125))],
  ['2.5', 'ping of 126', 'close 1002', ping('x'.repeat(126))],
  ['2.7', 'unasked pong', 'pong after', frame(opcodes.pong), ping('after')],
  ...numbered('3', [1, 2, 3, 4, 5, 6, 7], (rsv) => [`reserved bits ${rsv}`, 'close 1002', frame(1, 'x', { rsv })]),
  ...numbered('4', [3, 4, 5, 6, 7, 11, 12, 13, 14, 15], (code) => [`opcode ${code}`, 'close 1002', frame(code)]),
  ['5.1', 'ping in pieces', 'close 1002', ping('x', false), rest('y')],
  ['5.2', 'pong in pieces', 'close 1002', frame(opcodes.pong, 'x', { fin: false }), rest('y')],
  ['5.3', 'text in two pieces', 'heard', text('frag', false), rest('ment')],
  ['5.6', 'ping between pieces', 'pong between', text('frag', false), ping('between'), rest('ment')],
  ['5.9', 'a rest without a beginning', 'close 1002', rest('x')],
  ['5.12', 'an unended rest without a beginning', 'close 1002', rest('x', false)],
  ['5.18', 'a text within a text', 'close 1002', text('a', false), text('b')],
  ...numbered('6.valid', VALID, (bytes) => [`UTF-8 ${bytes}`, 'heard', text(hex(bytes))]),
  ...numbered('6.split', VALID, (bytes) => [
    `UTF-8 ${bytes} cut in its middle`,
    'heard',
    text(hex(bytes).subarray(0, 1), false),
    rest(hex(bytes).subarray(1)),
  ]),
  ...numbered('6.invalid', [...INVALID, ...MORE_INVALID], (bytes) => [
    `no UTF-8: ${bytes}`,
    'close 1007',
    text(hex(bytes)),
  ]),
  ['6.4', 'no UTF-8 in a first piece: told once the message is whole', 'close 1007', text(hex('ff'), false), rest('x')],
  ['7.1.1', 'a text, then close', 'heard', text('x'), close(1000)],
  ['7.3.1', 'close without a code', 'close 1005', close()],
  ['7.3.2', 'close with half a code', 'close 1002', frame(opcodes.close, 'x')],
  ['7.3.4', 'close with a reason', 'close 1000', close(1000, 'bye')],
  ['7.3.5', 'close with the longest reason', 'close 1000', close(1000, 'x'.repeat(123))],
  ['7.3.6', 'close with a reason too long', 'close 1002', close(1000, 'x'.repeat(124))],
  ['7.5.1', 'close with a reason that is no UTF-8', 'close 1007', frame(opcodes.close, hex('03 e8 ff'))],
  ...numbered('7.7', [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999], (code) => [
    `close ${code}`,
    `close ${code}`,
    close(code),
  ]),
  ...numbered('7.9', [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535], (code) => [
    `close ${code}, which never travels`,
    'close 1002',
    close(code),
  ]),
  ['9.1', 'text of 64 KB, over our bound', 'close 1009', text('x'.repeat(65_536))],
  ['9.3', 'text that passes the bound in pieces', 'close 1009', text('x'.repeat(4000), false), rest('x'.repeat(4000))],
  ['10.1', 'text of 7,000 in pieces of 1,300', 'heard', ...pieces('x'.repeat(7000), 1300)],
]

function pieces(whole: string, size: number): Buffer[] {
  const count = Math.ceil(whole.length / size)
  return Array.from({ length: count }, (_, n) =>
    frame(n === 0 ? opcodes.text : opcodes.rest, whole.slice(n * size, (n + 1) * size), { fin: n === count - 1 }),
  )
}

const wide = { IP_UPGRADE_BURST: '1000', IP_UPGRADES_PER_MINUTE: '1000', MAX_CONNECTIONS_PER_IP: '100' }
const server = startServer(wide)

for (const [number, what, wanted, ...frames] of cases)
  test(`[RFC ${number}] ${what}: ${wanted.slice(0, 20)}`, async () => assert.is(await observe(frames), wanted))

async function observe(frames: readonly Buffer[]): Promise<Seen> {
  const socket = await rawSocket((await server).url)
  socket.send(...frames)
  const seen = await socket.next()
  socket.destroy()
  if (seen?.opcode === opcodes.pong) return `pong ${seen.payload}`
  if (seen?.opcode === opcodes.text && seen.payload.includes('"bad_message"')) return 'heard'
  if (!seen) return 'close 1006'
  return `close ${seen.payload.length > 0 ? seen.payload.readUInt16BE(0) : 1005}`
}

test('the server ends', async () => (await server).close())

test.run()
