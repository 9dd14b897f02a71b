import { pbkdf2Sync } from 'node:crypto'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { pbkdf2 } from '../../client/pbkdf2.ts'
import { altchaPuzzles } from '../../server/quota/altcha.ts'
import { createProofOfWork, PROOF_TTL_MS, type ProofMode, WORK } from '../../server/quota/proof.ts'
import { memoryStore } from '../../server/stores/memory.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { solveProof } from '../helpers/solve-proof.ts'

const EASY = { cost: 2, least: 1, most: 3 }
const ADDRESS = '203.0.113.7'

function setup(mode: ProofMode = 'always', rush: { since: number } | undefined = undefined) {
  const clock = manualClock()
  const { secrets, buckets } = memoryStore(clock)
  const open = () => createProofOfWork({ mode, secrets, buckets, clock, rush: () => rush, work: EASY })
  return { clock, secrets, buckets, open, proofs: open() }
}

test('who needs a proof: with always each new session, and in a rush whoever came with it', () => {
  const wanted = (mode: ProofMode, rush?: { since: number }) =>
    [undefined, 0, 999, 1000].map((since) => setup(mode, rush).proofs.wanted(since))
  assert.equal(wanted('off', { since: 1000 }), [false, false, false, false])
  assert.equal(wanted('auto'), [false, false, false, false])
  assert.equal(wanted('auto', { since: 1000 }), [true, false, false, true])
  assert.equal(wanted('always'), [true, false, false, false])
  assert.equal(wanted('always', { since: 1000 }), [true, false, false, true])
})

test('a solved challenge counts once, for its address', async () => {
  const { proofs } = setup()
  const proof = await solveProof(await proofs.challenge(ADDRESS))
  assert.not(await proofs.redeem(proof, '203.0.113.8'))
  const both = await Promise.all([proofs.redeem(proof, ADDRESS), proofs.redeem(proof, ADDRESS)])
  assert.equal(both.sort(), [false, true])
  assert.not(await proofs.redeem(proof, ADDRESS))
})

test('a challenge expires, and its proof can’t come back when the store has forgotten it', async () => {
  const { clock, proofs } = setup()
  const [early, late] = [await proofs.challenge(ADDRESS), await proofs.challenge(ADDRESS)]
  const proof = await solveProof(early)
  clock.advance(PROOF_TTL_MS - 1)
  assert.ok(await proofs.redeem(proof, ADDRESS))
  clock.advance(1)
  assert.not(await proofs.redeem(await solveProof(late), ADDRESS))
  for (let minute = 0; minute < 10; minute++) {
    assert.not(await proofs.redeem(proof, ADDRESS))
    clock.advance(60_000)
  }
})

test('whoever shares the store knows the challenge; another store’s secret doesn’t', async () => {
  const { open, proofs } = setup()
  const proof = await solveProof(await proofs.challenge(ADDRESS))
  assert.not(await setup().proofs.redeem(proof, ADDRESS))
  assert.ok(await open().redeem(proof, ADDRESS))
})

test('a challenge tells nobody the address that it is for', async () => {
  const { proofs } = setup()
  assert.not((await proofs.challenge(ADDRESS)).includes(ADDRESS))
})

test('a store out of order rejects, and the next call tries again', async () => {
  const { buckets, clock, secrets } = setup()
  let broken = true
  const shaky = {
    secret: async (name: string) => (broken ? Promise.reject(new Error('out of order')) : secrets.secret(name)),
  }
  const proofs = createProofOfWork({
    mode: 'always',
    secrets: shaky,
    buckets,
    clock,
    rush: () => undefined,
    work: EASY,
  })
  const failed = await proofs.challenge(ADDRESS).catch(() => 'rejected')
  assert.is(failed, 'rejected')
  broken = false
  assert.ok((await proofs.challenge(ADDRESS)).length > 100)
})

test('no change to a challenge or its solution passes, and no text throws', async () => {
  const puzzles = altchaPuzzles('secret', EASY)
  const proof = await solveProof(await puzzles.make({ for: 'a', until: 1 }))
  assert.ok(await puzzles.check(proof))
  // What comes after the solution's key is how long it took, which is nobody's business.
  const end = proof.indexOf('"time"')
  const at = fc.integer({ min: 0, max: end - 3 })
  const char = fc.constantFrom('0', '1', 'f', 'z', '"', '{', ' ', 'é')
  await fc.assert(
    fc.asyncProperty(at, char, async (i, other) => {
      const changed = proof.slice(0, i) + other + proof.slice(i + 1)
      if (sameMeaning(changed, proof)) return
      assert.is(await puzzles.check(changed), undefined, changed)
    }),
    { numRuns: 300 },
  )
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
      assert.is(await puzzles.check(text), undefined)
    }),
    { numRuns: 200 },
  )
})

test('a proof without its key’s signature is refused before anything is derived', async () => {
  const puzzles = altchaPuzzles('secret', EASY)
  const { challenge, solution } = JSON.parse(await solveProof(await puzzles.make({ for: 'a', until: 1 })))
  const { keySignature: _, ...parameters } = challenge.parameters
  const huge = { ...parameters, cost: 2 ** 31, keySignature: '' }
  for (const changed of [parameters, huge]) {
    const proof = JSON.stringify({ challenge: { ...challenge, parameters: changed }, solution })
    assert.is(await puzzles.check(proof), undefined)
  }
  assert.is(await puzzles.check(`${' '.repeat(2000)}${JSON.stringify({ challenge, solution })}`), undefined)
})

test('the work is bounded: nobody has more than twice that of the luckiest', () => {
  assert.ok(WORK.most <= 2 * WORK.least)
  assert.ok(WORK.cost * WORK.most <= 2_000_000)
})

test('the derivation without a browser’s crypto is the same', () => {
  const bytes = (max: number) => fc.uint8Array({ minLength: 0, maxLength: max })
  fc.assert(
    fc.property(bytes(150), bytes(150), fc.integer({ min: 1, max: 20 }), (password, salt, rounds) => {
      assert.equal([...pbkdf2(password, salt, rounds)], [...pbkdf2Sync(password, salt, rounds, 32, 'sha256')])
    }),
  )
})

/** A counter of 1 and of 01… JSON has more than one way to say some things. */
function sameMeaning(a: string, b: string): boolean {
  try {
    const [one, other] = [a, b].map((text) => {
      const { challenge, solution } = JSON.parse(text)
      // The counter needs no proof: the key that it led to is the proof.
      return JSON.stringify([challenge, solution.derivedKey])
    })
    return one === other
  } catch {
    return false
  }
}

test.run()
