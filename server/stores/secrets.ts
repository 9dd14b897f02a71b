import { randomBytes } from 'node:crypto'
import type { Secrets } from '../quota/port.ts'
import { StoreError } from './port.ts'

/** Named texts of a store; read and written inside one atomic step. */
type Facts = { fact(name: string): string | undefined; putFact(name: string, value: string): void }
type RunOnFacts = <T>(step: (facts: Facts) => T) => Promise<T>

const BYTES = 32

/** Secrets among a store's facts: whoever asks first makes them. */
export const secretsOn = (run: RunOnFacts): Secrets => ({
  async secret(name) {
    const fresh = newSecret()
    return secretOf(
      await run((facts) => {
        const kept = facts.fact(`secret:${name}`)
        if (kept === undefined) facts.putFact(`secret:${name}`, fresh)
        return kept ?? fresh
      }),
    )
  },
})

/** Secrets that are forgotten at exit. `assertOpen` throws once the store is closed. */
export function memorySecrets(assertOpen: () => void): Secrets {
  const facts = new Map<string, string>()
  return secretsOn(async (step) => {
    assertOpen()
    return step({ fact: (name) => facts.get(name), putFact: (name, value) => void facts.set(name, value) })
  })
}

/** 32 random bytes as text. */
export const newSecret = (): string => randomBytes(BYTES).toString('base64url')

/** Their bytes again; throws a StoreError when the text was damaged. */
export function secretOf(text: string): Uint8Array {
  const secret = Buffer.from(text, 'base64url')
  if (secret.length !== BYTES) throw new StoreError('corrupt', 'the store holds no proper secret')
  return secret
}
