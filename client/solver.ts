import type { Solve } from './proof.ts'

/** Where the worker is; the build knows its hashed name. */
declare const PROOF_WORKER: string
// Not among the browser's types yet. What a policy makes is an object that goes where a text would.
declare global {
  var trustedTypes:
    | { createPolicy(name: string, rules: { createScriptURL(): string }): { createScriptURL(text: string): string } }
    | undefined
}

// The page's only policy, and whatever it is asked for, this one address is all that it lets through.
const rules = { createScriptURL: () => PROOF_WORKER }
const policy = globalThis.trustedTypes?.createPolicy('proof-worker', rules) ?? rules

/** Solves in a worker, which is fetched when the first challenge comes. */
export const solveInWorker: Solve = (challenge, done) => {
  try {
    const worker = new Worker(policy.createScriptURL(''))
    const end = (proof: unknown) => {
      worker.terminate()
      done(typeof proof === 'string' ? proof : undefined)
    }
    worker.onmessage = ({ data }) => end(data)
    worker.onerror = () => end(undefined)
    worker.postMessage(challenge)
    return () => worker.terminate()
  } catch {
    const late = setTimeout(done)
    return () => clearTimeout(late)
  }
}
