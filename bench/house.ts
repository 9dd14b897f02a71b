import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ScenarioOrder } from '../emulator/emulator.ts'
import { type Child, startChild } from './children.ts'
import { coresOf } from './machine.ts'

export type Upstream = { url: string; pid: number; scenario(order: ScenarioOrder): Promise<void>; end(): Promise<void> }

/** The bounds stay on, but so wide that one loopback address is a crowd. */
export const WIDE = {
  CONNECTION_ASK_BURST: '10000',
  CONNECTION_ASKS_PER_MINUTE: '100000',
  IP_ASK_BURST: '100000',
  IP_ASKS_PER_MINUTE: '1000000',
  IP_UPGRADE_BURST: '100000',
  IP_UPGRADES_PER_MINUTE: '1000000',
  MAX_CONNECTIONS_PER_IP: '100000',
  MAX_CONNECTIONS: '100000',
  MAX_STREAMS: '5000',
  MAX_STREAMS_PER_IP: '5000',
  MAX_OUTPUT_TOKENS: '16000',
  ANSWER_TIMEOUT_MS: '600000',
  BUDGET_PER_DAY: '100000',
  BUDGET_PER_MONTH: '1000000',
  BUDGET_SHARE_PER_ADDRESS: '1',
  BUDGET_PACING: 'off',
  PROOF_OF_WORK: 'off',
}

/** Gemini's HTTP API in a process of its own. */
export async function startUpstream(): Promise<Upstream> {
  const args = ['--import', 'tsx', 'emulator/main.ts', '--port', '0', '--speed', '0']
  const { url, pid, end } = await startChild(args, {}, addressIn, coresOf().others)
  const scenario = async (order: ScenarioOrder) => {
    const answer = await fetch(`${url}/emulator/scenario`, { method: 'POST', body: JSON.stringify(order) })
    if (!answer.ok) throw new Error(`scenario refused: ${await answer.text()}`)
  }
  return { url, pid, scenario, end }
}

/** The built server as shipped, its limits widened; without `storeUrl` on a SQLite file of its own. */
export async function startServer(
  upstream: string,
  env: Record<string, string> = {},
  main = 'dist/server/main.js',
): Promise<Child> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-bench-'))
  const settings = {
    ...WIDE,
    PORT: '0',
    GEMINI_API_KEY: 'key-of-the-bench',
    GEMINI_BASE_URL: upstream,
    STORE_URL: `sqlite:${join(dir, 'bench.db')}`,
    ...env,
  }
  const flags = process.env.BENCH_NODE_FLAGS?.split(' ') ?? []
  const remove = () => rm(dir, { recursive: true, force: true })
  try {
    const child = await startChild([...flags, main], settings, addressIn, coresOf().server)
    return { ...child, end: () => child.end().then(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A loopback address in a line of output, the only kind that a bench may talk to. */
export const addressIn = (line: string): string | undefined => /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
