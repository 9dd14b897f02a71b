import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type AskContext, createAdmission } from '../../server/chat/admission.ts'
import { createStreams } from '../../server/chat/streams.ts'
import { silentLog } from '../../server/log.ts'
import type { BucketTake, Taken } from '../../server/quota/port.ts'
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
    peek: take,
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

function setupProofs({ wanted = true, right = false } = {}) {
  const { streams, wallet, compose } = setup()
  const calls: string[] = []
  const answers: Record<string, Taken> = {}
  const buckets = {
    async take(takes: readonly BucketTake[]): Promise<Taken> {
      const name = takes.map(({ rule }) => rule.name).join()
      calls.push(`take ${name}`)
      return answers[name] ?? { ok: true, remaining: 4 }
    },
    async peek(takes: readonly BucketTake[]): Promise<Taken> {
      return answers[`peek ${takes[0]?.rule.name}`] ?? { ok: true, remaining: 4 }
    },
  }
  const proofs = {
    wanted: () => wanted,
    async challenge(addressKey: string) {
      calls.push(`challenge ${addressKey}`)
      return 'C'
    },
    async redeem(proof: string, addressKey: string) {
      calls.push(`redeem ${proof} ${addressKey}`)
      return right
    },
  }
  wallet.pace = async () => void calls.push('wallet')
  const admission = createAdmission({ streams, buckets, proofs, wallet, log: silentLog })
  const admit = (proof?: string) => admission.admit(who, compose, undefined, proof)
  return { calls, answers, proofs, admit, streams }
}

test('[PRF1] no proof: a challenge, from buckets of its own', async () => {
  const { admit, calls, streams } = setupProofs()
  assert.equal(await admit(), { ok: false, code: 'proof_required', challenge: 'C' })
  assert.equal([calls, streams.count], [['take proof-asks', 'challenge a'], 0])
})

test('[PRF1] the right proof: buckets and wallet follow', async () => {
  const { admit, calls } = setupProofs({ right: true })
  assert.ok((await admit('P')).ok)
  assert.equal(calls, ['redeem P a', 'take asks', 'wallet'])
})

test('[PRF2] a wrong proof: another challenge, and no token of a question', async () => {
  const { admit, calls } = setupProofs()
  assert.equal(await admit('P'), { ok: false, code: 'proof_required', challenge: 'C' })
  assert.equal(calls, ['redeem P a', 'take proof-asks', 'challenge a'])
})

test('a proof that nobody wants is not looked at', async () => {
  const { admit, calls } = setupProofs({ wanted: false })
  assert.ok((await admit('P')).ok)
  assert.equal(calls, ['take asks', 'wallet'])
})

test('[PRF5] nobody works for a question that is too early, nor for challenges without end', async () => {
  const { admit, answers, calls } = setupProofs()
  const early = { ok: false, retryAfterMs: 900, bucket: 'asks' } as const
  answers['proof-asks'] = { ...early, bucket: 'proof-asks' }
  assert.equal(await admit(), { ok: false, code: 'rate_limited', cause: 'proof-asks', retryAfterMs: 900 })
  answers['peek asks'] = early
  assert.equal(await admit('P'), { ok: false, code: 'rate_limited', cause: 'asks', retryAfterMs: 900 })
  assert.equal(calls, ['take proof-asks'])
})

test('a store out of order: overloaded, wherever it shows', async () => {
  for (const broken of ['challenge', 'redeem'] as const) {
    const { admit, proofs, streams } = setupProofs()
    const fail = () => Promise.reject(new Error('out of order'))
    if (broken === 'redeem') proofs.redeem = fail
    else proofs.challenge = fail
    assert.equal(await admit('P'), { ok: false, code: 'overloaded', cause: 'store' })
    assert.is(streams.count, 0)
  }
})

test.run()
