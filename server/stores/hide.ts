import { randomBytes } from 'node:crypto'
import { hashKey } from '../quota/address.ts'

const REMEMBERED = 10_000

/** Names such as addresses -> their hash under the store's salt: two stores can't be compared, nor a name be guessed. */
export function hiding(salt: string): (name: string) => string {
  const known = new Map<string, string>()
  return (name) => {
    const seen = known.get(name)
    if (seen !== undefined) return seen
    if (known.size >= REMEMBERED) known.clear()
    const hidden = hashKey(name, salt)
    known.set(name, hidden)
    return hidden
  }
}

export const newSalt = (): string => randomBytes(32).toString('base64url')

/** What a process is called in its store. */
export const newPeerId = (): string => randomBytes(9).toString('base64url')
