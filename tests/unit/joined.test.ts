import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { joined } from '../../server/chat/joined.ts'
import { manualClock } from '../helpers/manual-clock.ts'

const JOIN_MS = 16

function setup() {
  const clock = manualClock()
  const said: string[] = []
  return { clock, said, ...joined(clock, JOIN_MS, (text) => said.push(text)) }
}

test('a first piece is said at once, and so is one after a pause', () => {
  const { clock, said, push } = setup()
  push('Bon')
  clock.advance(JOIN_MS)
  push('jour')
  assert.equal(said, ['Bon', 'jour'])
})

test('pieces that follow closely are said together, within the time since the last one', () => {
  const { clock, said, push } = setup()
  push('a')
  push('b')
  clock.advance(JOIN_MS - 1)
  push('c')
  assert.equal(said, ['a'])
  clock.advance(1)
  assert.equal(said, ['a', 'bc'])
  push('d')
  clock.advance(JOIN_MS)
  assert.equal(said, ['a', 'bc', 'd'])
})

test('a long text does not wait, nor grow while it waits', () => {
  const { said, push } = setup()
  for (const text of ['a', 'b', 'c'.repeat(4095), 'd'.repeat(5000), 'e']) push(text)
  assert.equal(
    said.map(({ length }) => length),
    [1, 4096, 5000],
  )
})

test('flush says what waits, once, and nothing when nothing waits', () => {
  const { clock, said, push, flush } = setup()
  flush()
  push('a')
  push('b')
  flush()
  clock.advance(JOIN_MS)
  flush()
  assert.equal(said, ['a', 'b'])
})

test('whatever the pace, all of the text is said, in order and in no more than one piece each time', () => {
  const pieces = fc.array(fc.record({ text: fc.string({ minLength: 1, maxLength: 3 }), ms: fc.nat(40) }))
  fc.assert(
    fc.property(pieces, (pieces) => {
      const { clock, said, push, flush } = setup()
      for (const { text, ms } of pieces) {
        push(text)
        clock.advance(ms)
      }
      flush()
      assert.is(said.join(''), pieces.map(({ text }) => text).join(''))
      const lasted = pieces.reduce((sum, { ms }) => sum + ms, 0)
      assert.ok(said.length <= lasted / JOIN_MS + 2, `${said.length} pieces in ${lasted} ms`)
      assert.not(said.includes(''))
    }),
  )
})

test.run()
