import { frame, opcodes } from '../helpers/raw-socket.ts'
import { type Case, FRAMES, LOOK, numbered, one, ping, rest, text } from './case.ts'

const SIZES = [0, 125, 126, 127, 128] as const
const HELLO = 'Hello, world!'
const NOT_TEXT = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff])
const fe = (size: number) => Buffer.alloc(size, 0xfe)
const stars = (size: number) => '*'.repeat(size)

/** 1: texts and binaries of all lengths; ours may have 7,024 octets and must be texts. */
const lengths: Case[] = [
  ...numbered('1.1', SIZES, (size) => [`text of ${size}`, 'heard', () => [text(stars(size))]]),
  ...numbered('1.2', SIZES, (size) => [
    `binary of ${size}`,
    'close 1003',
    () => [frame(opcodes.binary, stars(size)), ping()],
  ]),
  ...[1, 2].flatMap((kind) => [
    one(`1.${kind}.6`, 'of 65,535: over our bound', 'close 1009', () => [frame(kind, stars(65_535))]),
    one(`1.${kind}.7`, 'of 65,536: over our bound', 'close 1009', () => [frame(kind, stars(65_536))]),
    one(`1.${kind}.8`, 'of 65,536, 997 at a time', 'close 1009', () => [frame(kind, stars(65_536))], 997),
  ]),
  // What 1.1.6 to 1.1.8 are about, within our bound: lengths in two octets and in eight.
  one('1.1.6a', 'text of 7,024, our bound', 'heard', () => [text(stars(7024))]),
  one('1.1.7a', 'text of 7,025', 'close 1009', () => [text(stars(7025))]),
  one('1.1.8a', 'text of 7,024, 997 at a time', 'heard', () => [text(stars(7024))], 997),
  one('1.1.8b', 'text of 200 whose length comes in eight octets', 'heard', () => [eight(stars(200))]),
]

/** A frame whose length is written longer than it need be. */
function eight(data: string): Buffer {
  const short = frame(opcodes.text, data)
  const head = Buffer.alloc(10)
  head.set([0x81, 0xff])
  head.writeBigUInt64BE(BigInt(data.length), 2)
  return Buffer.concat([head, short.subarray(4)])
}

const ten = () => Array.from({ length: 10 }, (_, n) => ping(`payload-${n}`))
const tenPongs = Array.from({ length: 10 }, (_, n) => `pong payload-${n}`).join(', ')
const shown = (bytes: Buffer) => `pong ${bytes.toString('latin1')}`

const pings: Case[] = [
  one('2.1', 'ping without payload', 'pong ', () => [ping()]),
  one('2.2', 'ping with text', `pong ${HELLO}`, () => [ping(HELLO)]),
  one('2.3', 'ping with octets that are no UTF-8', shown(NOT_TEXT), () => [ping(NOT_TEXT)]),
  one('2.4', 'ping of 125', shown(fe(125)), () => [ping(fe(125))]),
  one('2.5', 'ping of 126', 'close 1002', () => [ping(fe(126))]),
  one('2.6', 'ping of 125, octet by octet', shown(fe(125)), () => [ping(fe(125))], 1),
  one('2.7', 'unasked pong', 'nothing', () => [frame(opcodes.pong)]),
  one('2.8', 'unasked pong with payload', 'nothing', () => [frame(opcodes.pong, 'unsolicited')]),
  one('2.9', 'unasked pong, then ping', 'pong ping', () => [frame(opcodes.pong, 'unsolicited'), ping('ping')]),
  one('2.10', 'ten pings', tenPongs, ten),
  one('2.11', 'ten pings, octet by octet', tenPongs, ten, 1),
]

const bits = (rsv: number, opcode: number = opcodes.text, data: string | Buffer = HELLO) => frame(opcode, data, { rsv })
const reserved: Case[] = [
  one('3.1', 'reserved bits 1', 'close 1002', () => [bits(1)]),
  one('3.2', 'text, reserved bits 2, ping', 'heard, close 1002', () => [text(HELLO), bits(2), ping()]),
  one('3.3', '3 likewise, frame by frame', 'heard, close 1002', () => [text(HELLO), bits(3), ping()], FRAMES),
  one('3.4', '4 likewise, octet by octet', 'heard, close 1002', () => [text(HELLO), bits(4), ping()], 1),
  one('3.5', 'binary with reserved bits 5', 'close 1002', () => [bits(5, opcodes.binary, NOT_TEXT)]),
  one('3.6', 'ping with reserved bits 6', 'close 1002', () => [bits(6, opcodes.ping)]),
  one('3.7', 'close with reserved bits 7', 'close 1002', () => [bits(7, opcodes.close, '')]),
]

const unknown = (section: string, first: number): Case[] => [
  one(`${section}.1`, `opcode ${first}`, 'close 1002', () => [frame(first)]),
  one(`${section}.2`, `opcode ${first + 1} with payload`, 'close 1002', () => [frame(first + 1, 'reserved')]),
  one(`${section}.3`, `text, opcode ${first + 2}, ping`, 'heard, close 1002', () => [
    text(HELLO),
    frame(first + 2),
    ping(),
  ]),
  ...[3, 4].map((n) =>
    one(
      `${section}.${n + 1}`,
      `text, opcode ${first + n} with payload, ping${n === 4 ? ', octet by octet' : ''}`,
      'heard, close 1002',
      () => [text(HELLO), frame(first + n, HELLO), ping()],
      n === 4 ? 1 : undefined,
    ),
  ),
]

/** Three cases of the same frames: at once, frame by frame, octet by octet. */
const chopped = (first: number, what: string, wanted: string, frames: () => Buffer[]): Case[] => [
  one(`5.${first}`, what, wanted, frames),
  one(`5.${first + 1}`, `${what}, frame by frame`, wanted, frames, FRAMES),
  one(`5.${first + 2}`, `${what}, octet by octet`, wanted, frames, 1),
]

const twice = <T>(make: () => T[]) => [...make(), ...make()]
const fragments: Case[] = [
  one('5.1', 'ping in two fragments', 'close 1002', () => [ping('one', false), rest('two')]),
  one('5.2', 'pong in two fragments', 'close 1002', () => [frame(opcodes.pong, 'one', { fin: false }), rest('two')]),
  ...chopped(3, 'text in two fragments', 'heard', () => [text('one', false), rest('two')]),
  ...chopped(6, 'a ping between two fragments', 'pong between, heard', () => [
    text('one', false),
    ping('between'),
    rest('two'),
  ]),
  ...chopped(9, 'an ended rest of nothing, then a text', 'close 1002', () => [rest('rest'), text(HELLO)]),
  ...chopped(12, 'an unended rest of nothing, then a text', 'close 1002', () => [rest('rest', false), text(HELLO)]),
  one('5.15', 'text in two fragments, an unended rest of nothing, text', 'heard, close 1002', () => [
    text('one', false),
    rest('two'),
    rest('three', false),
    text('four'),
  ]),
  ...[false, true].map((fin, n) =>
    one(`5.${16 + n}`, `twice a rest of nothing (${fin ? 'ended' : 'unended'}), then two fragments`, 'close 1002', () =>
      twice(() => [rest('one', fin), text('two', false), rest('three')]),
    ),
  ),
  one('5.18', 'a text within a text', 'close 1002', () => [text('one', false), text('two')]),
  ...[undefined, FRAMES].map((chop, n) =>
    one(
      `5.${19 + n}`,
      `five fragments with pings, a pause after the second${chop ? ', frame by frame' : ''}`,
      'pong first, open, pong second, heard',
      () => [
        text('1', false),
        rest('2', false),
        ping('first'),
        LOOK,
        rest('3', false),
        rest('4', false),
        ping('second'),
        rest('5'),
      ],
      chop,
    ),
  ),
]

export const framing: readonly Case[] = [
  ...lengths,
  ...pings,
  ...reserved,
  ...unknown('4.1', 3),
  ...unknown('4.2', 11),
  ...fragments,
]
