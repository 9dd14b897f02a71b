import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuiltApp } from './built-app.ts'
import type { Pm2 } from './pm2.ts'

export const KEY = 'AIzaSyCanary-0123456789_abcdefghijklmno'

/** Bounds so wide that one loopback address is a crowd. */
export const WIDE = {
  CONNECTION_ASK_BURST: '10000',
  IP_ASK_BURST: '10000',
  IP_ASKS_PER_MINUTE: '100000',
  IP_UPGRADE_BURST: '10000',
  IP_UPGRADES_PER_MINUTE: '100000',
  MAX_CONNECTIONS_PER_IP: '1000',
  MAX_STREAMS_PER_IP: '1000',
  BUDGET_PER_DAY: '1000',
  BUDGET_PER_MONTH: '10000',
  BUDGET_SHARE_PER_ADDRESS: '1',
  BUDGET_PACING: 'off',
}

/** What the admin wrote into .env. */
export async function writeSettings(app: BuiltApp, settings: Record<string, string>): Promise<void> {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(app.dir, '.env'), lines.join(''), { mode: 0o600 })
}

/** Where the newest process listens, once `starts` of them have said so. */
export async function addressOf(pm2: Pm2, starts: number): Promise<string> {
  for (;;) {
    const said = [...(await pm2.log('le-mecano')).matchAll(/"url":"([^"]+)"/g)]
    if (said.length >= starts) return said.at(-1)?.[1] ?? ''
  }
}
