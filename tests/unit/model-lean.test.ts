import { Readable } from 'node:stream'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createInbox } from '../../server/model/inbox.ts'
import { leanResponse } from '../../server/model/lean-fetch.ts'
import { LeanHeaders } from '../../server/model/lean-headers.ts'
import { leanReader } from '../../server/model/lean-reader.ts'
import { LeanStream } from '../../server/model/lean-stream.ts'
import { wholeEvents } from '../../server/model/whole-events.ts'

for (const blank of ['\n\n', '\r\n\r\n', '\r\r']) {
  const text = `data: {"a":1}${blank}data: {"b":"vélo"}${blank}data: torn`
  const whole = text.slice(0, -'data: torn'.length)

  test(`however a text is cut, only whole events come out (${JSON.stringify(blank)})`, () => {
    for (let size = 1; size <= text.length; size++) {
      const events = wholeEvents()
      const out: string[] = []
      for (let i = 0; i < text.length; i += size) out.push(events.push(text.slice(i, i + size)))
      assert.is(out.join(''), whole, `pieces of ${size}`)
      assert.ok(out.every((piece) => piece === '' || piece.endsWith(blank)))
      assert.is(events.rest(), 'data: torn')
    }
  })
}

/** What the SDK's loop reads of an answer whose bytes come in these pieces; undefined when it breaks. */
async function readPieces(pieces: readonly Uint8Array[]): Promise<string | undefined> {
  const body = Object.assign(Readable.from(pieces.map((piece) => Buffer.from(piece))), { statusCode: 200 })
  const reader = leanResponse(body, { maxBytes: 10_000, ready: undefined, refuse() {} })
    .body.pipeThrough()
    .getReader()
  let text = ''
  return new Promise((resolve) => {
    const loop = (): unknown =>
      reader
        .read()
        .then(({ done, value }) => {
          if (done) return resolve(text)
          text += value
          return loop()
        })
        .catch(() => resolve(undefined))
    loop()
  })
}

test('however its bytes are cut, a text is the same, without its byte order mark', async () => {
  const text = 'data: "vélo 🚲 – 450 €"\r\n\r\ndata: "é"\r\n\r\n'
  const bytes = Buffer.from(`\ufeff${text}`)
  for (let size = 1; size <= bytes.length; size++) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    )
    assert.is(await readPieces(pieces), text, `pieces of ${size}`)
  }
})

test('a byte order mark that stands further on is a character like any other', async () => {
  const texts = ['data: "a"\n\n', '\ufeffb', 'data: "é"\n\n']
  assert.is(await readPieces(texts.map((text) => Buffer.from(text))), texts.join(''))
})

for (const [what, bad] of [
  ['a byte that begins nothing', [0xff]],
  ['half a character before a letter', [0xc3, 0x41]],
  ['half a surrogate pair', [0xed, 0xa0, 0x80]],
] as const)
  test(`what is no UTF-8 breaks the answer: ${what}`, async () => {
    const good = Buffer.from('data: "vélo"\n\n')
    assert.is(await readPieces([good, Buffer.from(bad), good]), undefined)
    assert.is(await readPieces([good, Buffer.concat([good, Buffer.from(bad), good])]), undefined)
  })

test('what a step throws is reported, and so is what reporting throws', async () => {
  const inbox = createInbox<number>()
  const seen: unknown[] = []
  const broken = leanReader(inbox)
    .read()
    .then(() => {
      throw new Error('step')
    })
    .catch((error) => {
      seen.push(error)
      throw new Error('report')
    })
  inbox.push(1)
  const end = await broken.catch((error: unknown) => error)
  assert.is(String(seen), 'Error: step')
  assert.is(String(end), 'Error: report')
})

test('headers add up under one name, whatever its case, and one that is taken is gone', () => {
  const headers = new LeanHeaders({ 'X-Call': '7', accept: 'a' })
  headers.append('Accept', 'b')
  assert.is(headers.take('x-call'), '7')
  assert.is(headers.take('x-call'), undefined)
  assert.equal(headers.entries(), [['accept', 'a, b']])
})

test('an inbox gives in order what came, also before it was asked, then its end', async () => {
  const inbox = createInbox<number>()
  inbox.push(1)
  inbox.push(2)
  assert.equal(await inbox.read(), { done: false, value: 1 })
  assert.equal(await inbox.read(), { done: false, value: 2 })
  const waiting = inbox.read()
  inbox.push(3)
  inbox.end()
  inbox.push(4)
  assert.equal(await waiting, { done: false, value: 3 })
  assert.equal(await inbox.read(), { done: true, value: undefined })
})

test('an inbox that fails still gives what came before', async () => {
  const inbox = createInbox<number>()
  inbox.push(1)
  inbox.fail(new Error('reset'))
  assert.equal(await inbox.read(), { done: false, value: 1 })
  let thrown: unknown
  await inbox.read().catch((error: unknown) => (thrown = error))
  assert.instance(thrown, Error)
})

test('a stream rejects with what its source was rejected with, and its second copy is empty', async () => {
  const stream = new LeanStream<number>({
    start(controller) {
      controller.enqueue(1)
      return Promise.reject(new Error('torn'))
    },
  })
  const [one, two] = stream.tee()
  assert.equal(await two.getReader().read(), { done: true, value: undefined })
  assert.equal(await one.getReader().read(), { done: false, value: 1 })
  let thrown: unknown
  await one
    .getReader()
    .read()
    .catch((error: unknown) => (thrown = error))
  assert.instance(thrown, Error)
})

test.run()
