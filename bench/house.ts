import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ScenarioOrder } from '../emulator/emulator.ts'
import { type Child, startChild } from './children.ts'

export type BenchHouse = {
  emulator: string
  server: string
  serverPid: number
  scenario(order: ScenarioOrder): Promise<void>
  end(): Promise<void>
}

/** The bounds stay on, but so wide that one loopback address is a crowd. */
const WIDE = {
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
  BUDGET_PER_DAY: '100000',
  BUDGET_PER_MONTH: '1000000',
  BUDGET_SHARE_PER_ADDRESS: '1',
  BUDGET_PACING: 'off',
  PROOF_OF_WORK: 'off',
}

/** The emulator and the built server, each in a process of its own, on loopback. */
export async function openHouse(storeUrl?: string): Promise<BenchHouse> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-bench-'))
  const emulator = await startChild(
    ['--import', 'tsx', 'emulator/main.ts', '--port', '0', '--speed', '0'],
    {},
    addressIn,
  )
  const env = {
    ...WIDE,
    PORT: '0',
    GEMINI_API_KEY: 'key-of-the-bench',
    GEMINI_BASE_URL: emulator.url,
    STORE_URL: storeUrl ?? `sqlite:${join(dir, 'bench.db')}`,
  }
  const server: Child = await startChild(
    [...(process.env.BENCH_NODE_FLAGS?.split(' ') ?? []), 'dist/server/main.js'],
    env,
    addressIn,
  ).catch(async (error: unknown) => {
    await emulator.end()
    throw error
  })
  return {
    emulator: emulator.url,
    server: server.url,
    serverPid: server.pid,
    async scenario(order) {
      const body = JSON.stringify(order)
      const answer = await fetch(`${emulator.url}/emulator/scenario`, { method: 'POST', body })
      if (!answer.ok) throw new Error(`scenario refused: ${await answer.text()}`)
    },
    async end() {
      await server.end()
      await emulator.end()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const addressIn = (line: string) => /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
