import { type Challenge, solveChallenge } from 'altcha-lib'
import { deriveKey } from 'altcha-lib/algorithms/web/pbkdf2'
import { pbkdf2 } from './pbkdf2.ts'

/** Runs beside the page: gets a challenge of ours as text, and answers with its proof, or null when there is none. */
self.onmessage = async ({ data }: MessageEvent<string>) => {
  try {
    const challenge: Challenge = JSON.parse(data)
    const solution = await solveChallenge({ challenge, deriveKey: globalThis.crypto?.subtle ? deriveKey : slowly })
    self.postMessage(solution && JSON.stringify({ challenge, solution }))
  } catch {
    self.postMessage(null)
  }
}

/** On plain http, other than on localhost, a browser lends its crypto to nobody. */
const slowly: typeof deriveKey = async ({ cost }, salt, password) => ({ derivedKey: pbkdf2(password, salt, cost) })
