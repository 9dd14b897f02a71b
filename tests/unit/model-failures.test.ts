import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { validApiKey } from '../../server/model/api-key.ts'
import { readChunk } from '../../server/model/chunk.ts'
import { failureOf, midStreamFailure } from '../../server/model/failures.ts'
import { leastThinking } from '../../server/model/thinking.ts'

const answered = (status: number, details: unknown = [], words = '') =>
  failureOf({ status, words, details, whole: true })
const quota = (quotaId: string, retryDelay = '15s') => [
  { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId }] },
  { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
]

test('free are only whole answers 400, 401, 403, 404, 429 and 503', () => {
  for (let status = 300; status < 600; status += 1) {
    const free = [400, 401, 403, 404, 429, 503].includes(status)
    assert.is(answered(status).billing, free ? 'free' : 'unknown', String(status))
    assert.is(failureOf({ status, words: '', details: [], whole: false }).billing, 'unknown', String(status))
  }
})

test('retryable are only a 429 that is not per day, a 500 and a 503', () => {
  for (let status = 300; status < 600; status += 1) {
    assert.is(answered(status).retryable, [429, 500, 503].includes(status), String(status))
  }
  const day = answered(429, quota('GenerateRequestsPerDayPerProjectPerModel-FreeTier'))
  assert.equal(day, { kind: 'quota_exhausted', billing: 'free', retryable: false, status: 429 })
})

test('RetryInfo is read in seconds and fractions, rounded up to a millisecond', () => {
  assert.is(answered(429, quota('PerMinute', '15s')).retryAfterMs, 15_000)
  assert.is(answered(429, quota('PerMinute', '1.0000001s')).retryAfterMs, 1001)
  for (const odd of ['', '15', '-1s', 'NaNs', '1e9s', '99999999999999s']) {
    assert.is(answered(429, quota('PerMinute', odd)).retryAfterMs, undefined, odd)
  }
})

test('details of any shape are survived', () => {
  for (const details of [null, 7, 'x', [null, 7, 'x', { violations: 'x', reason: 7, retryDelay: {} }], { a: 1 }]) {
    assert.is(answered(429, details).kind, 'rate_limited')
    assert.is(answered(400, details).kind, 'bad_request')
  }
})

test('an error inside a stream is unknown to billing and not tried again, whatever its code', () => {
  assert.equal(midStreamFailure(503), { kind: 'unavailable', billing: 'unknown', retryable: false, status: 503 })
  for (const code of [0, 200, -1, 1.5, Number.NaN, 1e9]) {
    assert.equal(midStreamFailure(code), { kind: 'upstream_error', billing: 'unknown', retryable: false })
  }
})

const usage = (metadata: unknown) => readChunk({ usageMetadata: metadata })?.usage
test('usage: output is total minus prompt, thoughts included', () => {
  const counts = { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 7, totalTokenCount: 22 }
  assert.equal(usage(counts), { promptTokens: 10, outputTokens: 12 })
  assert.equal(usage({ promptTokenCount: 10, totalTokenCount: 10 }), { promptTokens: 10, outputTokens: 0 })
  assert.equal(usage({ ...counts, totalTokenCount: 10 }), { promptTokens: 10, outputTokens: 12 })
})

test('absurd usage is no usage', () => {
  for (const odd of [-1, 1.5, 1e18, 2 ** 25, Number.NaN, '12', null, undefined]) {
    assert.is(usage({ promptTokenCount: odd, totalTokenCount: 12 }), undefined, String(odd))
    assert.is(usage({ promptTokenCount: 2, totalTokenCount: odd }), undefined, String(odd))
  }
  assert.is(usage({ promptTokenCount: 10, totalTokenCount: 5 }), undefined)
  assert.is(usage({ promptTokenCount: 1, candidatesTokenCount: -1, totalTokenCount: 5 }), undefined)
})

test('what is no response is no chunk', () => {
  for (const odd of [null, 7, 'x', { candidates: 'x' }, { candidates: [7] }]) assert.is(readChunk(odd), undefined)
  assert.equal(readChunk({}), { text: '' })
  assert.equal(readChunk({ modelVersion: 'évil\n' }), { text: '' })
})

test('a key is judged by its characters, not by its prefix', () => {
  for (const key of ['AIzaSy-_0', 'AQ.Ab8', 'anything!']) assert.ok(validApiKey(key))
  for (const key of ['', ' ', 'a b', 'a\n', 'clé', 'a\u007F', '\u{1F511}']) assert.not.ok(validApiKey(key))
})

test('thinking is as low as each model allows', () => {
  assert.equal(leastThinking('gemini-3.5-flash-lite'), { thinkingLevel: 'MINIMAL' })
  assert.equal(leastThinking('gemini-3.5-flash'), { thinkingLevel: 'MINIMAL' })
  assert.equal(leastThinking('gemini-3.8-flash'), { thinkingLevel: 'LOW' })
  assert.equal(leastThinking('gemini-flash-latest'), { thinkingLevel: 'LOW' })
  assert.equal(leastThinking('gemini-3.1-pro-preview'), { thinkingLevel: 'LOW' })
  assert.equal(leastThinking('models/gemini-2.5-flash-lite'), { thinkingBudget: 0 })
  assert.equal(leastThinking('gemini-2.5-pro'), { thinkingBudget: 128 })
  assert.is(leastThinking('gemini-2.0-flash'), undefined)
  assert.is(leastThinking('emu-ok'), undefined)
})

test.run()
