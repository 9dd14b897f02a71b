import { type Challenge, solveChallenge } from 'altcha-lib'
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2'

/** The proof that answers a `proof_required`: does its work, some hundred milliseconds of it. */
export async function solveProof(challenge: string): Promise<string> {
  const parsed: Challenge = JSON.parse(challenge)
  return JSON.stringify({ challenge: parsed, solution: await solveChallenge({ challenge: parsed, deriveKey }) })
}
