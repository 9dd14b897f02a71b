import { mismatch } from './match.ts'
import { type Condition, fill, type Variables } from './words.ts'

type Order = { order: string; conditions: readonly Condition[]; words: readonly string[] }

/**
 * Carries out an `emulator …` line over the emulator's control endpoint at `base`.
 * Returns what differs from what the line wants, or undefined.
 */
export async function control(
  base: string,
  line: Order,
  variables: Variables,
  timeoutMs: number,
): Promise<string | undefined> {
  const { order, conditions, words } = line
  if (order === 'expect') return expectLedger(base, conditions, variables, timeoutMs)
  if (order === 'release') return said(await call(base, 'POST', 'release', { chunks: Number(words[0] ?? 1) }))
  if (order === 'reset') {
    await call(base, 'POST', 'scenario', null)
    return said(await call(base, 'DELETE', 'ledger'))
  }
  const fields = conditions.map(({ field, value }) => [field, fill(value, variables)])
  return said(await call(base, 'POST', 'scenario', { name: words[0], ...Object.fromEntries(fields) }))
}

type Answer = { status: number; body: unknown }

async function call(base: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  try {
    const response = await fetch(`${base}/emulator/${path}`, { method, ...content })
    return { status: response.status, body: await response.json() }
  } catch (error) {
    return { status: 0, body: `nothing that can be understood (${String(error)})` }
  }
}

const said = ({ status, body }: Answer): string | undefined =>
  status >= 200 && status < 300 ? undefined : `the emulator answers ${status}: ${JSON.stringify(body).slice(0, 300)}`

/** Waits until the ledger has that many requests in all and open ones, then compares every field exactly. */
async function expectLedger(base: string, conditions: readonly Condition[], variables: Variables, timeoutMs: number) {
  const waits = conditions.filter(({ field, operator }) => operator === '=' && /^(requests|open)$/.test(field))
  const query = waits.map(({ field, value }) => `${field}=${String(fill(value, variables))}`)
  const { status, body } = await call(base, 'GET', `ledger/wait?${[...query, `timeoutMs=${timeoutMs}`].join('&')}`)
  if (status !== 200 && status !== 504) return said({ status, body })
  return mismatch(conditions, body, variables)
}
