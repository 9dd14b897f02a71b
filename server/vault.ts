import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto'
import type { Safe, Vault } from './chat/ports.ts'
import { randomPool } from './random-pool.ts'

const VERSION = 1
const IV_BYTES = 12
const TAG_BYTES = 16

const freshBytes = randomPool()

/** AES-256-GCM under a key derived from the session token; a store that leaks gives no contents away. */
export const vault: Vault = {
  keyOf: (token) => createHash('sha256').update(`le-mecano session ${token}`).digest('base64url'),
  safe: (token) => safeUnder(new Uint8Array(hkdfSync('sha256', token, 'le-mecano', 'conversation', 32))),
}

const safeUnder = (key: Uint8Array): Safe => ({
  seal(text) {
    const iv = freshBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', key, iv)
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.of(VERSION), iv, cipher.getAuthTag(), body])
  },

  open(blob) {
    const body = 1 + IV_BYTES + TAG_BYTES
    if (blob.length < body || blob[0] !== VERSION) return undefined
    const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(1, 1 + IV_BYTES))
    decipher.setAuthTag(blob.subarray(1 + IV_BYTES, body))
    try {
      return decipher.update(blob.subarray(body), undefined, 'utf8') + decipher.final('utf8')
    } catch {
      return undefined
    }
  },
})
