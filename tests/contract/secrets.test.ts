import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createProofOfWork } from '../../server/quota/proof.ts'
import { solveProof } from '../helpers/solve-proof.ts'
import { storeKinds } from './stores.ts'

for (const kind of storeKinds) {
  test(`${kind.name}: a secret is made once, for all who ask for it by its name`, () =>
    kind.use(async ({ open }) => {
      const stores = [await open(), await open(), await open()]
      const asked = await Promise.all(stores.map(({ secrets }) => secrets.secret('a')))
      for (const { secrets } of stores) asked.push(await secrets.secret('a'))
      assert.is(new Set(asked.map((secret) => Buffer.from(secret).toString('hex'))).size, 1)
      const other = await stores[0]?.secrets.secret('b')
      assert.equal([asked[0]?.length, other?.length], [32, 32])
      assert.not.equal(other, asked[0])
    }))

  test(`[PRF3] ${kind.name}: of all processes that are shown a proof, one counts it`, () =>
    kind.use(async ({ clock, open }) => {
      const desks = [await open(), await open()].map(({ secrets, buckets }) => {
        const work = { cost: 2, least: 1, most: 3 }
        return createProofOfWork({ mode: 'always', secrets, buckets, clock, rush: () => undefined, work })
      })
      const proof = await solveProof((await desks[0]?.challenge('a')) ?? '')
      const counted = await Promise.all([...desks, ...desks].map((desk) => desk.redeem(proof, 'a')))
      assert.is(counted.filter(Boolean).length, 1)
    }))

  test(`${kind.name}: a closed store has no secrets`, () =>
    kind.use(async ({ open }) => {
      const store = await open()
      await store.close()
      assert.is(await store.secrets.secret('a').catch((error) => error.code), 'closed')
    }))
}

test.run()
