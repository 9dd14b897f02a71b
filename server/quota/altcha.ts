import { createChallenge, randomInt, verifySolution } from 'altcha-lib'
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2'
import * as v from 'valibot'

/** What a challenge says of itself, under the signature: whose it is, and until when (epoch ms) it counts. */
export type Terms = { for: string; until: number }
/** `nonce` is the challenge's own: no two are alike. */
export type Solved = { nonce: string; terms: Terms }
/** How hard: the solution is between `least` and `most` derivations away, of `cost` rounds each. */
export type Work = { cost: number; least: number; most: number }

export type Puzzles = {
  /** A signed challenge as text. Costs one derivation, off the event loop. */
  make(terms: Terms): Promise<string>
  /** Undefined: not one of ours, or not its solution. Costs two signatures, no derivation. */
  check(proof: string): Promise<Solved | undefined>
}

const ALGORITHM = 'PBKDF2/SHA-256'
const LONGEST_PROOF = 2000

// With its key's signature demanded, no proof can make the server derive a key.
const payload = v.object({
  challenge: v.object({
    parameters: v.object({
      algorithm: v.literal(ALGORITHM),
      cost: v.number(),
      data: v.object({ for: v.string(), until: v.number() }),
      keyLength: v.number(),
      keyPrefix: v.string(),
      keySignature: v.string(),
      nonce: v.string(),
      salt: v.string(),
    }),
    signature: v.string(),
  }),
  solution: v.object({ counter: v.number(), derivedKey: v.string() }),
})

/**
 * ALTCHA's challenges: PBKDF2 keys are to be derived, counting up, until one has the given front. How far that is was
 * chosen at random and is bounded, so nobody has bad luck for long. `secret` signs, in hex or any other text.
 */
export function altchaPuzzles(secret: string, { cost, least, most }: Work): Puzzles {
  const keys = { hmacSignatureSecret: `challenge ${secret}`, hmacKeySignatureSecret: `key ${secret}`, deriveKey }
  return {
    async make(terms) {
      const counter = randomInt(most, least)
      return JSON.stringify(await createChallenge({ ...keys, algorithm: ALGORITHM, cost, counter, data: terms }))
    },
    async check(proof) {
      const given = payloadOf(proof)
      if (!given || !(await verifySolution({ ...keys, ...given })).verified) return undefined
      const { nonce, data } = given.challenge.parameters
      return { nonce, terms: data }
    },
  }
}

function payloadOf(proof: string): v.InferOutput<typeof payload> | undefined {
  if (proof.length > LONGEST_PROOF) return undefined
  try {
    const result = v.safeParse(payload, JSON.parse(proof))
    return result.success ? result.output : undefined
  } catch {
    return undefined
  }
}
