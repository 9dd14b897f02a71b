import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Emulator, startEmulator } from '../../emulator/emulator.ts'
import type { Clock } from '../../server/clock.ts'
import { compose, type House } from '../../server/compose.ts'
import { parseConfig } from '../../server/config.ts'
import { type Log, silentLog } from '../../server/log.ts'

export type TestServer = {
  /** http://127.0.0.1:port */
  url: string
  /** ws://127.0.0.1:port/ws */
  ws: string
  emulator: Emulator
  house: House
  close(): Promise<void>
}
export type TestServerOptions = { log?: Log; clock?: Clock; clientDir?: string }

/** The server with everything but the process around it, on a port of its own, before an emulator at speed 0. */
export async function startServer(
  env: Record<string, string> = {},
  options: TestServerOptions = {},
): Promise<TestServer> {
  const emulator = await startEmulator({ speed: 0 })
  const clientDir = options.clientDir ?? (await barePage())
  const settings = {
    PORT: '0',
    STORE_URL: 'memory:',
    GEMINI_API_KEY: 'key-for-tests',
    GEMINI_BASE_URL: emulator.url,
    DRAIN_MS: '0',
  }
  const parsed = parseConfig({ ...settings, ...env })
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'))
  const { log = silentLog, clock } = options
  const house = await compose({ config: parsed.config, log, clientDir, ...(clock && { clock }) })
  const url = await house.app.listen()
  return {
    url,
    ws: `${url.replace('http', 'ws')}/ws`,
    emulator,
    house,
    async close() {
      await house.close()
      await emulator.close()
      if (!options.clientDir) await rm(clientDir, { recursive: true, force: true })
    },
  }
}

async function barePage(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-page-'))
  await writeFile(join(dir, 'index.html'), '<!doctype html><title>page</title>')
  return dir
}
