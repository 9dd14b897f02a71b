import { type Case, hex, LOOK, numbered, pieces, rest, type Step, text } from './case.ts'

const GREEK = 'ce ba e1 bd b9 cf 83 ce bc ce b5'
const EDITED = '65 64 69 74 65 64'
const range = (from: number, to: number, make: (byte: string) => string) =>
  Array.from({ length: to - from }, (_, n) => make((from + n).toString(16))).join(' ')

// Markus Kuhn's UTF-8 stress test, in Autobahn's order from 6.5 on: valid ones, and those that begin with a minus.
const SEQUENCES: readonly (readonly string[])[] = [
  ['68 24 77', '68 c2 a2 77', '68 e2 82 ac 77', '68 f0 a4 ad a2 77', GREEK],
  prefixes(GREEK),
  ['00', 'c2 80', 'e0 a0 80', 'f0 90 80 80'],
  ['-f8 88 80 80 80', '-fc 84 80 80 80 80'],
  ['7f', 'df bf', 'ef bf bf', 'f4 8f bf bf'],
  ['-f7 bf bf bf', '-fb bf bf bf bf', '-fd bf bf bf bf bf'],
  ['ed 9f bf', 'ee 80 80', 'ef bf bd', 'f4 8f bf bf', '-f4 90 80 80'],
  [
    '-80',
    '-bf',
    '-80 bf',
    '-80 bf 80',
    '-80 bf 80 bf',
    '-80 bf 80 bf 80',
    '-80 bf 80 bf 80 bf',
    `-${range(0x80, 0xbf, String)}`,
  ],
  [
    [0xc0, 0xdf],
    [0xe0, 0xef],
    [0xf0, 0xf7],
    [0xf8, 0xfb],
    [0xfc, 0xfd],
  ].map(([from = 0, to = 0]) => `-${range(from, to, (byte) => `${byte} 20`)}`),
  ['-c0', '-e0 80', '-f0 80 80', '-f8 80 80 80', '-fc 80 80 80 80', '-df', '-ef bf', '-f7 bf bf'].concat([
    '-fb bf bf bf',
    '-fd bf bf bf bf',
  ]),
  ['-c0 e0 80 f0 80 80 f8 80 80 80 fc 80 80 80 80 df ef bf f7 bf bf fb bf bf bf fd bf bf bf bf'],
  ['-fe', '-ff', '-fe fe ff ff'],
  ['-c0 af', '-e0 80 af', '-f0 80 80 af', '-f8 80 80 80 af', '-fc 80 80 80 80 af'],
  ['-c1 bf', '-e0 9f bf', '-f0 8f bf bf', '-f8 87 bf bf bf', '-fc 83 bf bf bf bf'],
  ['-c0 80', '-e0 80 80', '-f0 80 80 80', '-f8 80 80 80 80', '-fc 80 80 80 80 80'],
  ['-ed a0 80', '-ed ad bf', '-ed ae 80', '-ed af bf', '-ed b0 80', '-ed be 80', '-ed bf bf'],
  ['a0 80', 'ad bf', 'ae 80', 'af bf'].flatMap((high) => [`-ed ${high} ed b0 80`, `-ed ${high} ed bf bf`]),
  ['ef bf be', 'ef bf bf', ...nonCharacters()],
  ['b9', 'ba', 'bb', 'bc', 'bd', 'be', 'bf'].map((last) => `ef bf ${last}`),
]

/** A prefix is invalid where it ends inside a character. */
function prefixes(whole: string): string[] {
  const bytes = whole.split(' ')
  return bytes.map((_, n) => {
    const next = bytes[n + 1]
    const inside = next !== undefined && /^[89ab]/.test(next)
    return (inside ? '-' : '') + bytes.slice(0, n + 1).join(' ')
  })
}

/** The last two code points of the planes 1 to 16. */
function nonCharacters(): string[] {
  return Array.from({ length: 16 }, (_, n) => n + 1).flatMap((plane) =>
    [0xfffe, 0xffff].map((last) => Buffer.from(String.fromCodePoint(plane * 0x10000 + last)).toString('hex')),
  )
}

const sequences = SEQUENCES.flatMap((list, n) =>
  numbered(`6.${n + 5}`, list, (bytes) => {
    const invalid = bytes.startsWith('-')
    const plain = bytes.replace('-', '')
    const payload = hex(plain)
    const shown = plain.length > 50 ? `${plain.slice(0, 47)}…` : plain
    return [`${invalid ? 'no UTF-8' : 'UTF-8'}: ${shown}`, invalid ? 'close 1007' : 'heard', () => [text(payload)]]
  }),
)

const MIXED = 'Hello-µ@ßöäüàá-UTF-8!!'
const cut = (whole: string, at: number): Step[] => {
  const bytes = Buffer.from(whole)
  return [text(bytes.subarray(0, at), false), rest(bytes.subarray(at))]
}
const BROKEN = `${GREEK} ed a0 80 ${EDITED}`

const whole: Case[] = [
  ...numbered<[string, Step[]]>(
    '6.1',
    [
      ['one empty text', [text('')]],
      ['three empty fragments', [text('', false), rest('', false), rest('')]],
      ['three fragments, the first and last empty', [text('', false), rest('middle', false), rest('')]],
    ],
    ([what, steps]) => [what, 'heard', () => steps],
  ),
  ...numbered<[string, Step[]]>(
    '6.2',
    [
      ['UTF-8 in one frame', [text(MIXED)]],
      ['UTF-8 in two fragments, between characters', cut(MIXED, 8)],
      ['UTF-8 in fragments of one octet', pieces(Buffer.from(MIXED), 1)],
      ['Greek in fragments of one octet', pieces(hex(GREEK), 1)],
    ],
    ([what, steps]) => [what, 'heard', () => steps],
  ),
  ...numbered<[string, Step[]]>(
    '6.3',
    [
      ['no UTF-8 in one frame', [text(hex(BROKEN))]],
      ['no UTF-8 in fragments of one octet', pieces(hex(BROKEN), 1)],
    ],
    ([what, steps]) => [what, 'close 1007', () => steps],
  ),
]

// Invalid from its thirteenth octet on, which is the second of what would be a character past the last one.
const LATE = hex(`${GREEK} f4 90 80 80 ${EDITED}`)
const inFrames = (first: number, second: number): Step[] => [
  text(LATE.subarray(0, first), false),
  LOOK,
  rest(LATE.subarray(first, second), false),
  LOOK,
  rest(LATE.subarray(second)),
]
const inChops = (first: number, second: number): Step[] => {
  const bytes = text(LATE)
  const head = bytes.length - LATE.length
  return [
    bytes.subarray(0, head + first),
    LOOK,
    bytes.subarray(head + first, head + second),
    LOOK,
    bytes.subarray(head + second),
  ]
}
const failFast: Case[] = (
  [
    ['in three frames', inFrames(11, 15)],
    ['in three frames, the second ends where it breaks', inFrames(12, 13)],
    ['in three pieces of a frame', inChops(11, 15)],
    ['in three pieces of a frame, the second ends where it breaks', inChops(12, 13)],
  ] as const
).map(([what, steps], n) => ({
  number: `6.4.${n + 1}`,
  what: `no UTF-8, ${what}`,
  // Strict is to close before the message is whole; the RFC lets a server wait, and ours is bounded at 7,024 octets.
  wanted: ['open, close 1007', 'open, open, close 1007'],
  steps: () => [...steps],
}))

export const utf8: readonly Case[] = [...whole, ...failFast, ...sequences]
