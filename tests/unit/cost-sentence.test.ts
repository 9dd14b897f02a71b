import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { conversationNano, costSentence } from '../../server/quota/cost-sentence.ts'
import { currencyOf, pricesOf } from '../../server/quota/prices.ts'
import { shortWindows } from '../../server/quota/short-days.ts'

const priced = pricesOf('gemini-3.5-flash-lite')
if (!priced.ok) throw new Error(priced.reason)
const { prices } = priced
const parts = {
  demo: false,
  perDay: 1,
  perMonth: 20,
  currency: 'USD',
  prices,
  knowledgeMaxTokens: 2000,
  maxOutputTokens: 800,
}

test('a day is told in currency and in conversations', () => {
  // 4 × (3,240 + 1.5 × 220) prompt tokens at 0.30 and 4 × 180 of output at 2.50 a million
  assert.is(conversationNano(parts), 6_084_000)
  assert.is(
    costSentence(parts),
    'A day can cost 1.00 USD at the most, which is about 164 typical conversations of 4 questions (0.0061 USD each); a month, 20.00 USD.',
  )
})

test('the demonstration costs nothing and says what a key would', () => {
  assert.match(costSentence({ ...parts, demo: true }), /^The demonstration costs nothing; with a key, .* 20\.00 USD\.$/)
})

test('short answers make a conversation cheaper', () => {
  assert.ok(conversationNano({ ...parts, maxOutputTokens: 50 }) < conversationNano(parts))
})

test('the currency is known for the prices of the table alone', () => {
  assert.is(currencyOf('gemini-3.5-flash-lite', prices), 'USD')
  assert.is(currencyOf('gemini-3.5-flash-lite', { ...prices, inputNanoPerMillion: 1 }), '')
  assert.is(currencyOf('some-model', prices), '')
})

test('short days follow one another without a gap, and sort between the real days they lie in', () => {
  const windowAt = shortWindows(7)
  let at = Date.UTC(2026, 10, 23, 23, 50)
  let before = windowAt(at)
  for (; at < Date.UTC(2026, 10, 24, 0, 10); at = before.endsAt) {
    const next = windowAt(at)
    assert.ok(next.startsAt <= at && at < next.endsAt)
    assert.is(windowAt(next.endsAt - 1).day, next.day)
    assert.ok(next.day >= before.day && next.month >= before.month)
    assert.ok(next.daysLeft >= 1 && next.daysLeft <= 30)
    before = next
  }
  assert.ok('2026-11-23' < windowAt(Date.UTC(2026, 10, 23, 12)).day)
  assert.ok(windowAt(Date.UTC(2026, 10, 23, 12)).day < '2026-11-24')
})

test.run()
