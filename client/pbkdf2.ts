const BLOCK = 64
const WORDS = 8
const INITIAL = fractions(WORDS, 1 / 2)
const ROUND = fractions(BLOCK, 1 / 3)
const schedule = new Int32Array(BLOCK)

/** The first 32 bytes of PBKDF2 with HMAC-SHA-256 (RFC 8018). */
export function pbkdf2(password: Uint8Array, salt: Uint8Array, rounds: number): Uint8Array {
  const key = padded(password.length > BLOCK ? bytesOf(sha256(INITIAL, password, 0)) : password)
  const inner = compress(INITIAL, wordsOf(key.map((byte) => byte ^ 0x36)))
  const outer = compress(INITIAL, wordsOf(key.map((byte) => byte ^ 0x5c)))
  const hmac = (message: Uint8Array) => sha256(outer, bytesOf(sha256(inner, message, BLOCK)), BLOCK)
  const last = hmac(new Uint8Array([...salt, 0, 0, 0, 1]))
  const sum = last.slice()
  // From here on every message is one digest long: a single block whose end never changes.
  const block = new Int32Array(BLOCK / 4)
  block[WORDS] = 0x80000000
  block[15] = (BLOCK + 32) * 8
  for (let round = 1; round < rounds; round++) {
    block.set(last)
    compress(inner, block, block)
    compress(outer, block, last)
    for (let i = 0; i < WORDS; i++) sum[i] = (sum[i] ?? 0) ^ (last[i] ?? 0)
  }
  return bytesOf(sum)
}

/** SHA-256 (FIPS 180-4) of `bytes`, going on from `state` after `before` bytes. */
function sha256(state: Int32Array, bytes: Uint8Array, before: number): Int32Array {
  const message = new Uint8Array(Math.ceil((bytes.length + 9) / BLOCK) * BLOCK)
  message.set(bytes)
  message[bytes.length] = 0x80
  new DataView(message.buffer).setUint32(message.length - 4, (before + bytes.length) * 8)
  let next = state
  for (let at = 0; at < message.length; at += BLOCK) next = compress(next, wordsOf(message.subarray(at, at + BLOCK)))
  return next
}

/** The state after `block`, written to the front of `into`, which may be the block itself. */
function compress(state: Int32Array, block: Int32Array, into: Int32Array = new Int32Array(WORDS)): Int32Array {
  schedule.set(block)
  for (let i = 16; i < BLOCK; i++) schedule[i] = extended(i)
  let [a, b, c, d] = [at(state, 0), at(state, 1), at(state, 2), at(state, 3)]
  let [e, f, g, h] = [at(state, 4), at(state, 5), at(state, 6), at(state, 7)]
  for (let i = 0; i < BLOCK; i++) {
    const big1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
    const one = (h + big1 + ((e & f) ^ (~e & g)) + at(ROUND, i) + at(schedule, i)) | 0
    const big0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
    const two = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  into[0] = a + at(state, 0)
  into[1] = b + at(state, 1)
  into[2] = c + at(state, 2)
  into[3] = d + at(state, 3)
  into[4] = e + at(state, 4)
  into[5] = f + at(state, 5)
  into[6] = g + at(state, 6)
  into[7] = h + at(state, 7)
  return into
}

function extended(i: number): number {
  const [early, late] = [at(schedule, i - 15), at(schedule, i - 2)]
  const small0 = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3)
  const small1 = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10)
  return at(schedule, i - 16) + small0 + at(schedule, i - 7) + small1
}

const at = (words: Int32Array, i: number) => words[i] ?? 0
const turned = (word: number, by: number) => (word >>> by) | (word << (32 - by))

function padded(bytes: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK)
  block.set(bytes)
  return block
}

function wordsOf(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Int32Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(i * 4))
}

function bytesOf(words: Int32Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [i, word] of words.entries()) view.setInt32(i * 4, word)
  return bytes
}

/** The first 32 bits of the fractions of roots of the first primes: SHA-256's constants. */
function fractions(count: number, power: number): Int32Array {
  const primes: number[] = []
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime > 0)) primes.push(n)
  return Int32Array.from(primes, (prime) => (prime ** power % 1) * 2 ** 32)
}
