import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startServer, type TestServerOptions } from '../helpers/server.ts'
import { requireCaddy } from '../helpers/tools.ts'
import { openBehind, startCaddy, type TestCaddy } from './deploy-caddy.ts'

const caddy = await requireCaddy()

async function behind(
  env: Record<string, string>,
  run: (caddy: TestCaddy) => Promise<void>,
  options: TestServerOptions = {},
): Promise<void> {
  if (!caddy) return
  const server = await startServer({ TRUSTED_PROXIES: 'loopback', ...env }, options)
  const started = await startCaddy(caddy, server.url)
  try {
    await run(started)
  } finally {
    await started.close()
    await server.close()
  }
}

if (caddy)
  test('[ATTACK12] behind the deployed Caddy a socket opens, and a claimed address is not believed', () =>
    behind({ MAX_CONNECTIONS_PER_IP: '2' }, async ({ url, first }) => {
      assert.match(first.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
      assert.is(first.headers.get('server'), null)
      const claim = (n: number) => ({ 'X-Forwarded-For': `203.0.113.${n}`, 'X-Real-IP': '::1', Forwarded: 'for=::1' })
      const statuses: number[] = []
      for (const n of [1, 2, 3]) statuses.push((await openBehind(`${url}/ws`, claim(n))).status)
      assert.equal(statuses, [101, 101, 429])
    }))

test.run()
