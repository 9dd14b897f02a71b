import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { countTokens, cutPieces, cutToTokens, lumpsOf } from '../../emulator/tokens.ts'
import {
  compact,
  encoderOf,
  eventOf,
  pretty,
  responseJson,
  splitInCharacter,
  splitInLine,
} from '../../emulator/wire.ts'

const graphemes = fc.string({ unit: 'grapheme' })
const usage = { promptTokens: 7, outputTokens: 2, thoughtTokens: 0 }

test('compact JSON is spaced and escaped as Google does it', () => {
  const value = { text: 'a < b > "c" \u2028\u2029 é', n: [1, null, true], gone: undefined, empty: {} }
  const line = '{"text": "a \\u003c b \\u003e \\"c\\" \\u2028\\u2029 é","n": [1,null,true],"empty": {}}'
  assert.is(compact(value), line)
})

test('compact and pretty JSON both read back as what was written', () => {
  fc.assert(
    fc.property(fc.dictionary(graphemes, fc.oneof(graphemes, fc.integer(), fc.boolean())), (value) => {
      assert.equal(JSON.parse(compact(value)), JSON.parse(JSON.stringify(value)))
      assert.equal(JSON.parse(pretty(value)), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('the fast way and the general way write the same bytes', () => {
  const encode = encoderOf('gemini-3.5-flash-lite', 'id')
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.nat(),
      fc.integer({ min: 1, max: 9999 }),
      (text, promptTokens, outputTokens) => {
        const chunk = { parts: [{ text }], usage: { promptTokens, outputTokens, thoughtTokens: 0 } }
        assert.is(encode(chunk), eventOf(compact(responseJson(chunk, 'gemini-3.5-flash-lite', 'id'))))
      },
    ),
  )
})

test('a split event is the same bytes, cut inside a character or between the bytes of its end', () => {
  const event = encoderOf('m', 'id')({ parts: [{ text: 'marée 🌊' }], usage })
  assert.equal(Buffer.concat(splitInCharacter(event)), Buffer.from(event))
  assert.equal(Buffer.concat(splitInLine(event)), Buffer.from(event))
  assert.ok(splitInCharacter(event).every((piece) => Buffer.from(piece).toString().includes('\ufffd')))
  assert.equal(
    splitInLine(event)
      .slice(-4)
      .map((piece) => Buffer.from(piece).toString()),
    ['\r', '\n', '\r', '\n'],
  )
})

test('tokens are never more than one per UTF-8 byte, and none for no text', () => {
  fc.assert(
    fc.property(graphemes, fc.double({ min: 1, max: 8, noNaN: true }), (text, bytesPerToken) => {
      assert.ok(countTokens(text, bytesPerToken) <= Buffer.byteLength(text))
      assert.is(countTokens(text, bytesPerToken) === 0, text === '')
    }),
  )
})

test('a cut text costs at most its tokens, begins the text, and ends between characters', () => {
  fc.assert(
    fc.property(graphemes, fc.nat(40), (text, tokens) => {
      const cut = cutToTokens(text, tokens, 4)
      assert.ok(text.startsWith(cut))
      assert.ok(countTokens(cut) <= tokens)
      assert.not.match(cut, /\p{Surrogate}/u)
      assert.is(cutPieces([...text], tokens, 4).join(''), cut)
    }),
  )
})

test('lumps are a text whole, in the sizes seen, never half a surrogate pair', () => {
  assert.equal(
    lumpsOf('x'.repeat(1000)).map((lump) => lump.length),
    [4, 6, 68, 69, 118, 144, 209, 300, 82],
  )
  assert.equal(lumpsOf('abc🌊def'), ['abc🌊', 'def'])
  fc.assert(fc.property(graphemes, (text) => assert.is(lumpsOf(text).join(''), text)))
})

test.run()
