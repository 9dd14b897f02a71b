import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { endReasons } from '../../protocol/messages.ts'
import { type Exchange, windowOf } from '../../server/chat/conversation.ts'

const wide = { maxTurns: 10, maxChars: 10_000 }
const asked = (question: string): Exchange => ({ question, answer: '' })
const said = (question: string, answer: string, state: Exchange['state'] = 'complete') => ({ question, answer, state })

test('pairs become alternating roles and the new question ends them', () => {
  assert.equal(windowOf([said('a', 'A'), said('b', 'B'), asked('c')], wide), [
    { role: 'user', text: 'a' },
    { role: 'model', text: 'A' },
    { role: 'user', text: 'b' },
    { role: 'model', text: 'B' },
    { role: 'user', text: 'c' },
  ])
  assert.equal(windowOf([], wide), [])
})

test('an answer that never came, or that was filtered, takes its question with it', () => {
  const turns = [said('a', '', 'interrupted'), said('b', ' \n', 'stopped'), said('c', 'C', 'filtered'), asked('d')]
  assert.equal(windowOf(turns, wide), [{ role: 'user', text: 'd' }])
})

test('a cut answer shows that it was cut', () => {
  const [, answer] = windowOf([said('a', 'Les VTT coûtent ', 'interrupted'), asked('b')], wide)
  assert.is(answer?.text, 'Les VTT coûtent […]')
})

test('the newest pairs are kept whole, without gaps, and the new question always', () => {
  const turns = [said('aa', 'AA'), said('b'.repeat(50), 'B'), said('cc', 'CC'), asked('dd')]
  const texts = (maxTurns: number, maxChars: number) => windowOf(turns, { maxTurns, maxChars }).map(({ text }) => text)
  assert.equal(texts(10, 20), ['cc', 'CC', 'dd'])
  assert.equal(texts(10, 6), ['cc', 'CC', 'dd'])
  assert.equal(texts(10, 5), ['dd'])
  assert.equal(texts(1, 1000), ['cc', 'CC', 'dd'])
  assert.equal(texts(0, 1000), ['dd'])
  assert.equal(texts(10, 0), ['dd'])
})

test('any history: roles alternate, none is empty, the caps hold', () => {
  const exchange = fc.record({
    question: fc.string({ maxLength: 20 }),
    answer: fc.string({ maxLength: 20 }),
    state: fc.constantFrom(...endReasons),
  })
  fc.assert(
    fc.property(
      fc.array(exchange),
      fc.string({ minLength: 1 }),
      fc.nat(5),
      fc.nat(100),
      (past, last, maxTurns, maxChars) => {
        const turns = windowOf([...past, asked(last)], { maxTurns, maxChars })
        assert.ok(turns.every(({ role }, i) => role === (i % 2 ? 'model' : 'user')))
        assert.equal(turns.at(-1), { role: 'user', text: last })
        assert.ok(turns.length <= 2 * maxTurns + 1)
        const size = turns.reduce((sum, { text }) => sum + text.length, 0)
        assert.ok(size <= Math.max(maxChars, last.length))
        assert.ok(turns.slice(0, -1).every(({ text }) => text.trim() !== ''))
      },
    ),
  )
})

test.run()
