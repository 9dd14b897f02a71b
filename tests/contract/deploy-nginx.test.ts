import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { type SecureVersion, connect as tls } from 'node:tls'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { WebSocket } from 'ws'
import { dial, parseAnswer, readAll } from '../helpers/raw-http.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { requireNginx, requireOpenssl } from '../helpers/tools.ts'
import {
  DOMAIN,
  type Door,
  deployedConf,
  get,
  type Opened,
  openSocket,
  startNginx,
  type TestNginx,
} from './deploy-nginx.ts'

const binary = await requireNginx()
const openssl = await requireOpenssl()

type Given = { nginx: TestNginx; servers: TestServer[]; open(options?: Door): Promise<Opened> }

const WIDE = { IP_UPGRADE_BURST: '1000', IP_UPGRADES_PER_MINUTE: '1000', TRUSTED_PROXIES: 'loopback' }

/** Servers behind a real nginx with the configuration that is deployed. */
function behind(env: Record<string, string>, nodes: number, run: (given: Given) => Promise<void>) {
  return async () => {
    if (!binary || !openssl) return
    const servers = await Promise.all(Array.from({ length: nodes }, () => startServer({ ...WIDE, ...env })))
    const upstream = servers.map(({ url }) => Number(new URL(url).port))
    const nginx = await startNginx(await deployedConf(nodes), { binary, openssl, upstream })
    const sockets: WebSocket[] = []
    try {
      await run({
        nginx,
        servers,
        async open(options) {
          const opened = await openSocket(nginx, options)
          sockets.push(opened.socket)
          return opened
        },
      })
    } finally {
      for (const socket of sockets) socket.terminate()
      await nginx.close()
      for (const server of servers) await server.close()
    }
  }
}
function it(name: string, run: () => Promise<void>): void {
  if (binary && openssl) test(name, run)
}

async function say(socket: WebSocket, message: object): Promise<string> {
  const answered = once(socket, 'message')
  socket.send(JSON.stringify(message))
  return String((await answered)[0])
}

it(
  'behind the deployed nginx the page, its headers and its socket arrive over TLS',
  behind({}, 1, async ({ nginx, open }) => {
    const page = await get(nginx, '/')
    assert.is(page.status, 200)
    assert.match(page.body, '<title>')
    assert.match(String(page.headers['strict-transport-security']), 'max-age=31536000')
    assert.match(String(page.headers['content-security-policy']), /^default-src 'none'/)
    assert.is(page.headers.server, 'nginx')
    const { status, socket } = await open()
    assert.equal([status, socket.protocol], [101, 'le-mecano.v1'])
    assert.match(await say(socket, { type: 'hello' }), '"type":"welcome"')
    assert.is((await get(nginx, '/metrics')).status === 200, false)
    assert.is((await get(nginx, '/', { 'content-length': '2000' })).status, 413)
  }),
)

it(
  'behind the deployed nginx nothing older than TLS 1.2 is spoken',
  behind({}, 1, async ({ nginx }) => {
    const speak = (version: SecureVersion): Promise<string> => {
      // OpenSSL itself would not offer the old ones.
      const offer = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' }
      const socket = tls({ host: '127.0.0.1', port: nginx.https, servername: DOMAIN, ca: nginx.ca, ...offer })
      return new Promise((done) => {
        socket.once('secureConnect', () => done(String(socket.getProtocol())))
        socket.once('error', (error) => done('code' in error ? String(error.code) : error.message))
      }).then((said) => {
        socket.destroy()
        return String(said)
      })
    }
    assert.equal(await Promise.all([speak('TLSv1.2'), speak('TLSv1.3')]), ['TLSv1.2', 'TLSv1.3'])
    for (const old of ['TLSv1', 'TLSv1.1'] as const) assert.is(await speak(old), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  }),
)

it(
  'plain http leads to https, and other names lead nowhere',
  behind({}, 1, async ({ nginx }) => {
    const socket = dial(`http://127.0.0.1:${nginx.http}`)
    socket.write(`GET /a?b HTTP/1.1\r\nHost: ${DOMAIN}\r\nConnection: close\r\n\r\n`)
    const { status, headers } = parseAnswer(await readAll(socket))
    assert.equal([status, headers.get('location')], [308, `https://${DOMAIN}/a?b`])
    assert.is((await get(nginx, '/', { host: 'stranger.example' })).status, 421)
  }),
)

it(
  '[ATTACK12] behind the deployed nginx a visitor counts by his own address, whatever he claims',
  behind({ MAX_CONNECTIONS_PER_IP: '3' }, 1, async ({ open }) => {
    const claim = (n: number) => ({
      'X-Forwarded-For': `203.0.113.${n}`,
      'X-Real-IP': `203.0.113.${n}`,
      Forwarded: `for=203.0.113.${n}`,
    })
    const statuses: number[] = []
    for (const n of [1, 2, 3, 4]) statuses.push((await open({ headers: claim(n) })).status)
    assert.equal(statuses, [101, 101, 101, 429])
    assert.is((await open({ from: '127.0.0.2' })).status, 101)
  }),
)

it(
  'nginx refuses the 21st socket of an address with 429, before the server hears of it',
  behind({ MAX_CONNECTIONS_PER_IP: '100' }, 1, async ({ servers, open }) => {
    for (let n = 1; n <= 20; n++) assert.is((await open()).status, 101)
    const { status, server } = await open()
    assert.equal([status, server], [429, 'nginx'])
    assert.is(servers[0]?.house.app.connections, 20)
    assert.is((await open({ from: '127.0.0.2' })).status, 101)
  }),
)

it(
  'a reload of nginx keeps the sockets that are open',
  behind({}, 1, async ({ nginx, open }) => {
    const { socket } = await open()
    const conf = await deployedConf(1)
    await nginx.reload(conf.replace('max-age=31536000', 'max-age=31536001'))
    const isNew = async () => String((await get(nginx, '/')).headers['strict-transport-security']).endsWith('1')
    while (!(await isNew())) await setImmediate()
    assert.match(await say(socket, { type: 'hello' }), '"type":"welcome"')
  }),
)

it(
  'of several nodes, one that drains passes its visitors on to the next',
  behind({}, 2, async ({ servers, open }) => {
    await open()
    const first = servers.find(({ house }) => house.app.connections === 1)
    const second = servers.find(({ house }) => house.app.connections === 0)
    assert.ok(first && second)
    await open()
    assert.is(first?.house.app.connections, 2)
    await first?.house.app.drain()
    assert.is((await open()).status, 101)
    assert.is(second?.house.app.connections, 1)
  }),
)

test.run()
