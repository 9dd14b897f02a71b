import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseClientMessage } from '../../protocol/parse.ts'
import { wellFormed } from '../../server/model/well-formed.ts'

const through = (...chunks: string[]): string[] => {
  const form = wellFormed()
  return [...chunks.map((chunk) => form.push(chunk)), form.end()]
}

test('a pair split between chunks waits for its half', () => {
  assert.equal(through('vélo \uD83D', '\uDEB2 !'), ['vélo ', '\u{1F6B2} !', ''])
})

test('a half that never comes becomes U+FFFD at the end', () => {
  assert.equal(through('vélo \uD83D'), ['vélo ', '\uFFFD'])
})

test('a half followed by something else becomes U+FFFD', () => {
  assert.equal(through('\uD83D', 'a\uDEB2b'), ['', '\uFFFDa\uFFFDb', ''])
})

test('controls become U+FFFD, tab and newline stay', () => {
  assert.equal(through('a\u0000b\u001Bc\rd\te\nf'), ['a\uFFFDb\uFFFDc\uFFFDd\te\nf', ''])
})

test('an empty chunk keeps the waiting half', () => {
  assert.equal(through('\uD83D', '', '\uDEB2'), ['', '', '\u{1F6B2}', ''])
})

const sendable = (text: string) => parseClientMessage(JSON.stringify({ type: 'ask', id: 'q', text })).ok
const units = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0xd800, max: 0xdfff }), fc.constant(0xe9)),
)
test('any cut of any text gives the same well-formed text of the same length', () => {
  fc.assert(
    fc.property(units, fc.nat(), (codes, at) => {
      const text = String.fromCharCode(...codes)
      const cut = codes.length ? at % codes.length : 0
      const whole = through(text).join('')
      const halves = through(text.slice(0, cut), text.slice(cut))
      assert.is(halves.join(''), whole)
      assert.is(whole.length, text.length)
      for (const piece of halves) assert.ok(sendable(piece))
    }),
  )
})

test.run()
