import { on, once } from 'node:events'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { WebSocket } from 'ws'
import { type AdminServerMessage, parseAdminMessage } from '../../protocol/admin.ts'
import { ADMIN_TOKEN, adminIn, here, withBarePages } from '../helpers/admin.ts'
import { startServer } from '../helpers/server.ts'
import { requireCaddy, requireNginx, requireOpenssl } from '../helpers/tools.ts'
import { openBehind, startCaddy } from './deploy-caddy.ts'
import { deployedConf, get, openSocket, startNginx } from './deploy-nginx.ts'

type From = { headers?: Record<string, string>; from?: string }
type Proxy = {
  page(): Promise<{ status: number; policy: string }>
  open(from?: From): Promise<{ status: number; socket: WebSocket }>
  close(): Promise<void>
}
type Kind = { name: string; start(upstream: string): Promise<Proxy> }

const kinds: Kind[] = []
const [binary, openssl, caddy] = [await requireNginx(), await requireOpenssl(), await requireCaddy()]
if (binary && openssl)
  kinds.push({
    name: 'nginx',
    async start(upstream) {
      const nginx = await startNginx(await deployedConf(1), {
        binary,
        openssl,
        upstream: [Number(new URL(upstream).port)],
      })
      return {
        async page() {
          const { status, headers } = await get(nginx, '/admin')
          return { status, policy: String(headers['content-security-policy']) }
        },
        open: (from) => openSocket(nginx, { ...from, path: '/admin/ws', protocol: 'le-mecano-admin.v1' }),
        close: nginx.close,
      }
    },
  })
if (caddy)
  kinds.push({
    name: 'Caddy',
    async start(upstream) {
      const { url, close } = await startCaddy(caddy, upstream)
      return {
        async page() {
          const { status, headers } = await fetch(`${url}/admin`)
          return { status, policy: String(headers.get('content-security-policy')) }
        },
        open: ({ headers = {}, from } = {}) => openBehind(`${url}/admin/ws`, headers, from),
        close,
      }
    },
  })

/** Says hello; the first message that is an answer to it. */
async function hello(socket: WebSocket, token: string): Promise<AdminServerMessage> {
  const answered = once(socket, 'message')
  socket.send(JSON.stringify({ type: 'hello', token }))
  const parsed = parseAdminMessage(String((await answered)[0]))
  if (!parsed.ok) throw new Error('no message of the status page')
  return parsed.message
}

for (const { name, start } of kinds) {
  const behind = (run: (proxy: Proxy, url: string) => Promise<void>) => () =>
    withBarePages(async (clientDir) => {
      const server = await startServer({ TRUSTED_PROXIES: 'loopback', ADMIN_TOKEN }, { clientDir })
      const proxy = await start(server.url)
      try {
        await run(proxy, server.url)
      } finally {
        await proxy.close()
        await server.close()
      }
    })

  test(
    `behind the deployed ${name} the status page comes, and its socket tells whoever has the token, and only him`,
    behind(async ({ page, open }) => {
      const { status, policy } = await page()
      assert.is(status, 200)
      assert.match(policy, "frame-ancestors 'self';")
      const stranger = await open()
      const told = await hello(stranger.socket, 'a-wrong-token-0123')
      assert.is(told.type === 'error' && told.code, 'wrong_token')
      const { socket } = await open()
      const heard = on(socket, 'message')
      assert.is((await hello(socket, ADMIN_TOKEN)).type, 'welcome')
      const types: string[] = []
      for await (const [data] of heard) if (types.push(JSON.parse(String(data)).type) === 2) break
      assert.equal(types, ['welcome', 'figures'])
      socket.terminate()
    }),
  )

  test(
    `behind the deployed ${name} who guesses the token is held up by his own address, whatever he claims, and nobody else is`,
    behind(async ({ open }, url) => {
      const claim = (n: number) => ({
        'X-Forwarded-For': `203.0.113.${n}`,
        'X-Real-IP': `203.0.113.${n}`,
        Forwarded: `for=203.0.113.${n}`,
      })
      for (let n = 1; n <= 10; n++) {
        const { socket } = await open({ headers: claim(n) })
        const told = await hello(socket, `guess-number-${n}-0123`)
        assert.is(told.type === 'error' && told.code, 'wrong_token', `try ${n}`)
      }
      assert.is((await open({ headers: claim(11) })).status, 429)
      assert.is((await open()).status, 429)
      const other = await open({ from: '127.0.0.2' })
      assert.is(other.status, 101)
      assert.is((await hello(other.socket, ADMIN_TOKEN)).type, 'welcome')
      other.socket.terminate()
      // The admin on the machine itself, past the proxy.
      const { socket } = await adminIn(url, here)
      socket.destroy()
    }),
  )
}

test.run()
