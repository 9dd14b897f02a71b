import { deflateRawSync } from 'node:zlib'
import { frame, opcodes } from '../helpers/raw-socket.ts'
import { type Case, FRAMES, numbered, one, pieces, type Step, text } from './case.ts'

const KB = 1024
const MB = 1024 * KB
const TOO_BIG = 'close 1009'
const shown = (size: number) => (size >= MB ? `${size / MB} MB` : `${size / KB} KB`)
const KINDS = [
  ['text', opcodes.text],
  ['binary', opcodes.binary],
] as const

/** What Autobahn sends to measure is beyond our 7,024 octets, so it must end at once, and cost no memory. */
const large: Case[] = KINDS.flatMap(([kind, opcode], n) => [
  ...numbered(`9.${1 + n}`, [64 * KB, 256 * KB, MB, 4 * MB, 8 * MB, 16 * MB], (size) => [
    `${kind} of ${shown(size)}`,
    TOO_BIG,
    () => [frame(opcode, Buffer.alloc(size, '*'))],
  ]),
  ...numbered(`9.${3 + n}`, [64, 256, KB, 4 * KB, 16 * KB, 64 * KB, 256 * KB, MB, 4 * MB], (size) => [
    `${kind} of 4 MB in fragments of ${size >= KB ? shown(size) : size}`,
    TOO_BIG,
    () => pieces(Buffer.alloc(4 * MB, '*'), size, opcode),
    FRAMES,
  ]),
  ...numbered(`9.${5 + n}`, [64, 128, 256, 512, 1024, 2048], (size) => [
    `${kind} of 1 MB, ${size} octets at a time`,
    TOO_BIG,
    () => [frame(opcode, Buffer.alloc(MB, '*'))],
    size,
  ]),
])

const ROUND_TRIPS = [0, 16, 64, 256, 1024, 4096]
const EMPTY_ASK = '{"type":"ask","id":"q","text":" "}'
/** A thousand small texts: what is none of our messages is answered five times, what is one 60 times at once. */
const many: Case[] = [
  ...numbered('9.7', ROUND_TRIPS, (size) => {
    const ours = size >= EMPTY_ASK.length
    const each = ours ? EMPTY_ASK.padEnd(size) : '*'.repeat(size)
    return [
      `1,000 texts of ${size}`,
      ours ? 'heard again and again, close 4429' : 'heard again and again, close 4400',
      (): Step[] => [text('{"type":"hello"}'), ...Array.from({ length: 1000 }, () => text(each))],
      FRAMES,
    ]
  }),
  ...numbered('9.8', ROUND_TRIPS, (size) => [
    `1,000 binaries of ${size}`,
    'close 1003',
    () => Array.from({ length: 1000 }, () => frame(opcodes.binary, '*'.repeat(size))),
    FRAMES,
  ]),
  one(
    '9.9.1',
    'a text without end in fragments of 4 KB',
    TOO_BIG,
    () => Array.from({ length: 1000 }, (_, n) => frame(n === 0 ? 1 : 0, '*'.repeat(4 * KB), { fin: false })),
    FRAMES,
  ),
]

const fragmented: Case[] = [
  one('10.1.1', 'text of 65,536 in fragments of 1,300', TOO_BIG, () => pieces(Buffer.alloc(65_536, '*'), 1300)),
  one('10.1.1a', 'text of 7,024 in fragments of 1,300', 'heard', () => pieces(Buffer.alloc(7024, '*'), 1300)),
]

const DEFLATE = 'permessage-deflate'
const WINDOW = 'server_max_window_bits'
const OFFERS = [
  DEFLATE,
  `${DEFLATE}; server_no_context_takeover`,
  `${DEFLATE}; ${WINDOW}=9`,
  `${DEFLATE}; ${WINDOW}=15`,
  `${DEFLATE}; server_no_context_takeover; ${WINDOW}=9`,
  `${DEFLATE}; server_no_context_takeover; ${WINDOW}=15`,
  `${DEFLATE}; server_no_context_takeover; ${WINDOW}=9, ${DEFLATE}; server_no_context_takeover, ${DEFLATE}`,
]
/** Compression is off: 12.1 to 12.5 all make the first offer, 13.1 to 13.7 one each, and none may be taken up. */
const compressed: Case[] = ['12.*', ...OFFERS.map((_, n) => `13.${n + 1}.*`)].map((number, n) => {
  const offer = OFFERS[Math.max(0, n - 1)] ?? DEFLATE
  const bytes = deflateRawSync(EMPTY_ASK)
  return {
    ...one(number, `offered: ${offer}`, 'heard, close 1002', () => [text('*'), frame(opcodes.text, bytes, { rsv: 4 })]),
    offer,
  }
})

export const limits: readonly Case[] = [...large, ...many, ...fragmented, ...compressed]
