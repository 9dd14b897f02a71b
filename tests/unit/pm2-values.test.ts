import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { withFirstToken } from '../../server/ops/first-token.ts'
import { createMetrics } from '../../server/ops/metrics.ts'
import { amountInThree, countInThree } from '../../server/ops/pm2-values.ts'

test('counts and amounts take three letters and never say more than there is', () => {
  assert.equal([0, 7, 999, 1000, 5000, 99_999, 2_000_000].map(countInThree), [
    '0',
    '7',
    '999',
    '1k',
    '5k',
    '99k',
    '99k',
  ])
  const amounts = [0, 0.004, 0.94, 0.999, 1, 9.99, 10, 19.9, 999, 1500]
  const shown = ['.00', '.00', '.94', '.99', '1.0', '9.9', '10', '19', '999', '1k']
  assert.equal(amounts.map(amountInThree), shown)
  assert.is(amountInThree(-1), '.00')
})

test('the first-token median is of the last hundred answers of the model', () => {
  const { meter, medianMs } = withFirstToken(createMetrics({ model: 'm', mode: 'demo', currency: '' }).meter)
  assert.is(medianMs(), undefined)
  meter.questionEnded({ outcome: 'complete', source: 'knowledge', firstTextMs: 1 })
  meter.questionEnded({ outcome: 'rate_limited' })
  assert.is(medianMs(), undefined)
  for (const firstTextMs of [900, 100, 300]) meter.questionEnded({ outcome: 'complete', source: 'model', firstTextMs })
  assert.is(medianMs(), 300)
  for (let i = 0; i < 100; i++) meter.questionEnded({ outcome: 'complete', source: 'model', firstTextMs: 50 })
  assert.is(medianMs(), 50)
})

test.run()
