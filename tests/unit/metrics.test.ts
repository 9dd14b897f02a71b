import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Meter } from '../../server/meter.ts'
import { createMetrics, type Readings } from '../../server/ops/metrics.ts'
import { parseExposed, readsOf } from '../helpers/prometheus.ts'

const ABOUT = { model: 'gemini-3.5-flash-lite', mode: 'gemini', currency: 'USD' } as const
const BUDGET = {
  spent: 0.2,
  held: 0.1,
  cap: 1,
  released: 0.5,
  monthBooked: 3,
  monthCap: 20,
  halted: true,
  openHolds: 2,
  lostHolds: 1,
}

async function exposed(use: (meter: Meter) => void = () => {}, readings: Partial<Readings> = {}) {
  const metrics = createMetrics(ABOUT)
  use(metrics.meter)
  return parseExposed(await metrics.text({ connections: 3, streams: 2, sessions: 4, budget: BUDGET, ...readings }))
}

test('names and units are those of the conventions', async () => {
  const { types } = await exposed()
  for (const [name, type] of types) {
    assert.match(name, /^(le_mecano|process|nodejs)_[a-z0-9_]+$/)
    assert.is(name.endsWith('_total'), type === 'counter', name)
    if (type === 'histogram') assert.match(name, /_seconds$/)
    assert.not.match(name, /_(ms|milliseconds|kb|mb|percent|count|sum|bucket)(_|$)/)
  }
  assert.ok([...types.keys()].filter((name) => name.startsWith('le_mecano_')).length > 25)
})

test('what is read at the scrape is there, in the currency', async () => {
  const { value } = await exposed()
  const live = ['connections', 'streams', 'sessions', 'store_up'].map((name) => value(`le_mecano_${name}`))
  assert.equal(live, [3, 2, 4, 1])
  assert.is(value('le_mecano_budget_spent_currency_units'), 0.2)
  assert.is(value('le_mecano_budget_released_currency_units'), 0.5)
  assert.is(value('le_mecano_budget_halted'), 1)
  assert.equal([value('le_mecano_holds', 'state="open"'), value('le_mecano_holds', 'state="lost"')], [2, 1])
  assert.is(value('le_mecano_info', 'model="gemini-3.5-flash-lite",mode="gemini",currency="USD"'), 1)
})

test('while the store tells nothing of the budget there are no numbers of it, not zeros; later they are back', async () => {
  const metrics = createMetrics(ABOUT)
  const read = async (budget: Readings['budget']) =>
    parseExposed(await metrics.text({ connections: 0, streams: 0, sessions: 0, budget }))
  assert.is((await read(BUDGET)).value('le_mecano_budget_cap_currency_units'), 1)
  const down = await read(undefined)
  assert.is(down.value('le_mecano_store_up'), 0)
  assert.equal(
    [...down.series.keys()].filter((name) => /budget|holds/.test(name)),
    [],
  )
  assert.is((await read(BUDGET)).value('le_mecano_holds', 'state="open"'), 2)
})

test('a question counts as admitted or refused, and as a fallback when the files answered', async () => {
  const { value, series } = await exposed(({ questionEnded }) => {
    questionEnded({ outcome: 'complete', source: 'model', firstTextMs: 400 })
    questionEnded({ outcome: 'complete', source: 'knowledge', cause: 'day', firstTextMs: 1 })
    questionEnded({ outcome: 'model_unavailable', source: 'model', cause: 'network' })
    questionEnded({ outcome: 'rate_limited', cause: 'asks' })
    questionEnded({ outcome: 'proof_required' })
  })
  assert.is(value('le_mecano_questions_admitted_total', 'source="model"'), 2)
  assert.is(value('le_mecano_questions_admitted_total', 'source="knowledge"'), 1)
  assert.equal(
    [...(series.get('le_mecano_questions_refused_total') ?? [])],
    [
      ['cause="asks"', 1],
      ['cause="proof_required"', 1],
    ],
  )
  assert.equal([...(series.get('le_mecano_fallbacks_total') ?? [])], [['cause="day"', 1]])
  assert.is(value('le_mecano_answers_total', 'outcome="model_unavailable"'), 1)
  assert.is(value('le_mecano_first_token_seconds_sum', 'source="model"'), 0.4)
  assert.is(value('le_mecano_first_token_seconds_count', 'source="knowledge"'), 1)
})

test('an attempt counts once, with its kind, its tokens and its first chunk in seconds', async () => {
  const { value } = await exposed(({ attemptEnded, textGap }) => {
    attemptEnded({ result: 'answered', firstChunkMs: 250, usage: { promptTokens: 10, outputTokens: 5 } })
    attemptEnded({ result: 'network' })
    attemptEnded({ result: 'left', firstChunkMs: 50 })
    textGap(30)
  })
  assert.is(value('le_mecano_upstream_attempts_total'), 3)
  assert.is(value('le_mecano_upstream_failures_total', 'kind="network"'), 1)
  assert.is(value('le_mecano_upstream_failures_total', 'kind="unauthorized"'), 0)
  assert.is(value('le_mecano_upstream_tokens_total', 'direction="output"'), 5)
  assert.is(value('le_mecano_upstream_first_chunk_seconds_sum'), 0.3)
  assert.is(value('le_mecano_between_tokens_seconds_bucket', 'le="0.05"'), 1)
  assert.is(value('le_mecano_between_tokens_seconds_bucket', 'le="0.02"'), 0)
})

test('no label grows without end, whatever is told', async () => {
  const { series } = await exposed((meter) => {
    for (let i = 0; i < 500; i++) {
      meter.connectionClosed(3000 + i)
      meter.upgradeRefused({ status: 403, cause: `c${i}` })
      meter.messageRefused(`m${i}`)
      meter.questionEnded({ outcome: `o${i}`, source: 'model', cause: `x${i}` })
      meter.questionEnded({ outcome: `o${i}`, cause: `y${i}` })
    }
  })
  for (const [name, { size }] of series) assert.ok(size <= 50 || /_bucket$/.test(name), `${name}: ${size}`)
  assert.equal([...(series.get('le_mecano_connections_closed_total') ?? [])], [['code="other"', 500]])
})

test('close codes of ours are told apart, and what a client made up is not', async () => {
  const { value } = await exposed(({ connectionClosed }) => {
    for (const code of [1000, 1005, 1006, 4429, 4999, 1004]) connectionClosed(code)
  })
  assert.is(value('le_mecano_connections_closed_total', 'code="4429"'), 1)
  assert.is(value('le_mecano_connections_closed_total', 'code="other"'), 2)
})

test('two servers of one process count for themselves', async () => {
  const [one, two] = [createMetrics(ABOUT), createMetrics(ABOUT)]
  one.meter.connectionOpened()
  const text = await two.text({ connections: 0, streams: 0, sessions: 0, budget: undefined })
  assert.is(parseExposed(text).value('le_mecano_connections_opened_total'), 0)
})

test('the reading of queries finds metrics and labels', () => {
  const query =
    'histogram_quantile(0.95, sum by (le, op) (rate(a_bucket{x="y(z)", k!~"1|2"}[5m]))) > 0.5 and max(b:c) offset 1d'
  assert.equal(readsOf(query), { metrics: ['a_bucket', 'b:c'], labels: ['x', 'k', 'le', 'op'] })
  assert.equal(readsOf('up{job="j"} == 0').metrics, ['up'])
})

test.run()
