import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { silentLog } from '../../server/log.ts'
import { initStore, openStore } from '../../server/stores/open.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { freePort, startRedis } from '../helpers/redis.ts'
import { startServer } from '../helpers/server.ts'
import { requireOpenssl } from '../helpers/tools.ts'

const redis = await startRedis()
const openssl = await requireOpenssl()

type Said = { type: string; code?: string; message?: string }
type Visitor = { ask(text: string): Promise<Said>; close(): void }

/** A visitor past hello; `ask` resolves with how the question ended. */
async function visit(ws: string): Promise<Visitor> {
  const socket = new WebSocket(ws)
  let told = (_: Said) => {}
  socket.on('message', (data: Buffer) => {
    const said = JSON.parse(data.toString())
    if (['welcome', 'done', 'error'].includes(said.type)) told(said)
  })
  const after = (send: () => void) =>
    new Promise<Said>((resolve) => {
      told = resolve
      send()
    })
  await new Promise((resolve) => socket.once('open', resolve))
  await after(() => socket.send('{"type":"hello"}'))
  let asked = 0
  return {
    ask: (text) => after(() => socket.send(JSON.stringify({ type: 'ask', id: `q${++asked}`, text }))),
    close: () => socket.close(),
  }
}

if (redis)
  test('a Redis that hangs: questions are refused in time with a sentence, none reaches the model; then it goes on', async () => {
    await redis.empty()
    await initStore(redis.url, silentLog)
    const lines: string[] = []
    const log = {
      ...silentLog,
      info: (event: string) => void lines.push(event),
      error: (event: string) => void lines.push(event),
      child: () => log,
    }
    const clock = manualClock()
    const server = await startServer({ STORE_URL: redis.url }, { log, clock })
    const visitors = await Promise.all([visit(server.ws), visit(server.ws)])
    const [visitor] = visitors
    assert.is((await visitor.ask('Bonjour')).type, 'done')
    const before = server.emulator.ledger().requests
    lines.length = 0

    redis.signal('SIGSTOP')
    // Each resolves by itself, after the command's time is over.
    for (const { type, code, message = '' } of await Promise.all(visitors.map((each) => each.ask('Encore')))) {
      assert.equal([type, code], ['error', 'overloaded'])
      assert.ok(message.length > 10)
    }
    assert.is(server.emulator.ledger().requests, before)
    assert.equal(
      lines.filter((event) => event === 'buckets_unavailable'),
      ['buckets_unavailable'],
      'said once',
    )

    redis.signal('SIGCONT')
    while ((await visitor.ask('Bonjour')).type !== 'done') clock.advance(10_000)
    assert.is(server.emulator.ledger().requests, before + 1)
    assert.is(lines.filter((event) => event === 'buckets_unavailable_over').length, 1)
    for (const each of visitors) each.close()
    await server.close()
    const store = await openStore(redis.url, { clock, log: silentLog })
    const window = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
    const { spent } = await store.ledger.snapshot(window, { dayNano: 1e9, monthNano: 20e9 })
    assert.equal([spent.held, spent.requests], [0, 2], 'what was asked while it hung holds nothing')
    await store.close()
  })

if (redis && openssl)
  test('Redis over TLS: with its authority known it serves, else it is refused in a sentence', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'redis-tls-'))
    const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
    const kind = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '9',
      '-subj',
      '/CN=localhost',
    ]
    const names = ['-addext', 'subjectAltName=DNS:localhost']
    await promisify(execFile)(openssl, ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert])
    const port = await freePort()
    const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert]
    const secure = await startRedis('--tls-port', String(port), ...files, '--tls-auth-clients', 'no')
    const budget = (url: string, env: Record<string, string> = {}) =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', 'server/budget.ts', '--init'], {
        env: { PATH: process.env.PATH, STORE_URL: url, ...env },
      }).then(
        ({ stdout }) => stdout,
        ({ stderr }) => String(stderr),
      )
    const known = { NODE_EXTRA_CA_CERTS: cert }
    const [served, unknown, otherName] = await Promise.all([
      budget(`rediss://localhost:${port}`, known),
      budget(`rediss://localhost:${port}`),
      budget(`rediss://127.0.0.1:${port}`, known),
    ])
    assert.match(served, /^This Redis is ready, with nothing spent\.\n\nBudget of /)
    assert.match(unknown, /^STORE_URL: Redis at localhost:\d+ can't be reached \(.*certificate/i)
    assert.match(otherName, /^STORE_URL: Redis at 127\.0\.0\.1:\d+ can't be reached \(.*(altnames|certificate)/i)
    await secure?.close()
    await rm(dir, { recursive: true })
  })

test('the test server ends', async () => {
  await redis?.close()
})

test.run()
