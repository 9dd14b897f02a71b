import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { costNano, pricesOf } from '../../server/quota/prices.ts'

test('the default model has its listed price, and 0.3 is exactly 300 nano a token', () => {
  const priced = pricesOf('gemini-3.5-flash-lite')
  assert.equal(priced, { ok: true, prices: { inputNanoPerMillion: 300_000_000, outputNanoPerMillion: 2_500_000_000 } })
  assert.equal(pricesOf('models/gemini-3.5-flash-lite'), priced)
})

test('an unknown model is refused, unless both its prices are set', () => {
  const refused = pricesOf('gemini-9')
  assert.match(refused.ok ? '' : refused.reason, /gemini-9.*PRICE_INPUT_PER_MILLION.*gemini-3.5-flash-lite/)
  assert.not(pricesOf('gemini-9', { input: 1 }).ok)
  assert.equal(pricesOf('gemini-9', { input: 1, output: 2 }), {
    ok: true,
    prices: { inputNanoPerMillion: 1_000_000_000, outputNanoPerMillion: 2_000_000_000 },
  })
})

test('an override replaces one price; odd prices are refused', () => {
  const priced = pricesOf('gemini-3.5-flash-lite', { output: 4 })
  assert.is(priced.ok && priced.prices.outputNanoPerMillion, 4_000_000_000)
  for (const input of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1001]) {
    assert.not(pricesOf('gemini-3.5-flash-lite', { input }).ok)
  }
})

test('a tier by prompt length is bounded at its edge', () => {
  const priced = pricesOf('gemini-2.5-pro')
  assert.is(priced.ok && priced.prices.maxPromptTokens, 200_000)
})

test('costs are rounded up, and exact beyond 2^53', () => {
  const prices = { inputNanoPerMillion: 300_000_000, outputNanoPerMillion: 2_500_000_000 }
  assert.is(costNano(prices, 1000, 800), 300_000 + 2_000_000)
  assert.is(costNano({ inputNanoPerMillion: 1, outputNanoPerMillion: 1 }, 1, 0), 1)
  assert.is(costNano(prices, 0, 0), 0)
  assert.is(costNano({ inputNanoPerMillion: 1e12, outputNanoPerMillion: 1 }, 9_999_999, 1), 9_999_999_000_001)
})

test.run()
