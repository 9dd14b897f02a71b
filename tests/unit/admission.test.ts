import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type AskContext, createAdmission } from '../../server/chat/admission.ts'
import { createStreams } from '../../server/chat/streams.ts'
import { silentLog } from '../../server/log.ts'
import type { Taken } from '../../server/quota/port.ts'
import { recordingWallet } from '../helpers/recording-wallet.ts'

const who: AskContext = { takes: [{ rule: { name: 'asks', burst: 1, perMinute: 1 }, key: 'k' }], addressKey: 'a' }
const REQUEST = {
  system: 'é',
  turns: [
    { role: 'user', text: 'x🚲' },
    { role: 'model', text: 'y' },
    { role: 'user', text: 'z' },
  ],
  maxOutputTokens: 7,
} as const

function setup(take: () => Promise<Taken> = async () => ({ ok: true, remaining: 4 })) {
  const order: string[] = []
  const streams = createStreams(1, 1)
  const wallet = recordingWallet()
  const buckets = {
    take() {
      order.push('buckets')
      return take()
    },
  }
  wallet.pace = async () => void order.push('wallet')
  const compose = () => {
    order.push('compose')
    return REQUEST
  }
  return { order, streams, wallet, compose, admission: createAdmission({ streams, buckets, wallet, log: silentLog }) }
}

test('what passes has a stream, a hold for the bytes of everything sent, and what its buckets have left', async () => {
  const { admission, compose, order, streams, wallet } = setup()
  const result = await admission.admit(who, compose, 12)
  assert.equal(result.ok && [result.request, result.remaining], [REQUEST, 4])
  assert.equal(order, ['buckets', 'compose', 'wallet'])
  assert.is(streams.count, 1)
  assert.equal(wallet.holds[0]?.request, {
    addressKey: 'a',
    promptBytes: 2 + 5 + 1 + 1,
    messages: 4,
    maxOutputTokens: 7,
    since: 12,
  })
})

test('no stream: nobody else is asked', async () => {
  const { admission, compose, order, streams } = setup()
  streams.open('b')
  assert.equal(await admission.admit(who, compose, undefined), {
    ok: false,
    code: 'overloaded',
    cause: 'streams',
    retryAfterMs: 5000,
  })
  assert.equal([order, streams.count], [[], 1])
})

test('an empty bucket: the wallet is not asked, and the stream is given back', async () => {
  const { admission, compose, order, streams } = setup(async () => ({ ok: false, retryAfterMs: 900, bucket: 'asks' }))
  assert.equal(await admission.admit(who, compose, undefined), {
    ok: false,
    code: 'rate_limited',
    cause: 'asks',
    retryAfterMs: 900,
  })
  assert.equal([order, streams.count], [['buckets'], 0])
})

test('buckets out of order: overloaded, and the stream is given back', async () => {
  const { admission, compose, streams } = setup(() => Promise.reject(new Error('out of order')))
  assert.equal(await admission.admit(who, compose, undefined), { ok: false, code: 'overloaded', cause: 'store' })
  assert.is(streams.count, 0)
})

test('a wallet’s refusal tells what the buckets have left: its answer without the model is paid for', async () => {
  const { admission, compose, streams, wallet } = setup()
  const codes = {
    day: 'budget_exhausted',
    month: 'budget_exhausted',
    share: 'budget_exhausted',
    pace: 'budget_exhausted',
    halted: 'budget_exhausted',
    store: 'overloaded',
    too_large: 'too_long',
  } as const
  for (const cause of ['day', 'month', 'share', 'pace', 'halted', 'store', 'too_large'] as const) {
    wallet.refusal = { cause, retryAfterMs: 70 }
    const refused = await admission.admit(who, compose, undefined)
    assert.equal(refused, { ok: false, code: codes[cause], cause, remaining: 4, retryAfterMs: 70 })
  }
  assert.is(streams.count, 0)
  assert.is(await admission.reserve(who, REQUEST, undefined), undefined)
})

test.run()
