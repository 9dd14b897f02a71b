import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Log, LogFields } from '../../server/log.ts'
import { heard, vacated, withServer } from '../helpers/edge.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { type Exposed, parseExposed, readsOf } from '../helpers/prometheus.ts'
import { exchange, get, parseAnswer, readAll, request } from '../helpers/raw-http.ts'
import { handshake, knock, type RawSocket, rawSocket } from '../helpers/raw-socket.ts'
import type { TestServer } from '../helpers/server.ts'

const TOKEN = 'metrics-token-0123456789'
const LOOPBACK = 'Host: 127.0.0.1'
/** `get` names a strange host; this machine's is put in its place. */
const here = (path: string, ...headers: string[]) => get(path, ...headers).replace('Host: chat.example', LOOPBACK)
const scrape = async ({ url }: TestServer): Promise<Exposed> => {
  const { status, body } = await exchange(url, here('/metrics'))
  assert.is(status, 200, body)
  return parseExposed(body)
}
const statusOf = async ({ url }: TestServer, bytes: string) => (await exchange(url, bytes)).status

async function greeted(server: TestServer, session?: string): Promise<{ socket: RawSocket; session: string }> {
  const socket = await rawSocket(server.url)
  socket.say({ type: 'hello', ...(session !== undefined && { session }) })
  const welcome = JSON.parse((await heard(socket, 'welcome'))?.payload.toString() ?? '')
  return { socket, session: welcome.session }
}
const ask = (socket: RawSocket, id: string, text = 'Bonjour ?') => {
  socket.say({ type: 'ask', id, text })
  return socket.next(
    ({ payload }) => /"type":"(done|error)"/.test(payload.toString()) && payload.includes(`"id":"${id}"`),
  )
}

/** Makes everything happen once that is counted by label. */
async function busyDay(server: TestServer): Promise<string[]> {
  const { socket, session } = await greeted(server)
  await ask(socket, 'q1')
  server.emulator.setScenario({ name: 'invalid-400' })
  await ask(socket, 'q2')
  await ask(socket, 'q3')
  await ask(socket, 'q4', ' ')
  socket.destroy()
  await knock(server.url, handshake({ Origin: 'https://evil.example' }))
  const again = await greeted(server, session)
  again.socket.destroy()
  await vacated(server)
  return [session]
}

test('what visitors do shows in the metrics, each once', () =>
  withServer({ CONNECTION_ASK_BURST: '2', CONNECTION_ASKS_PER_MINUTE: '0.01' }, async (server) => {
    await busyDay(server)
    const { value } = await scrape(server)
    const counts: [string, string, number][] = [
      ['connections_opened_total', '', 2],
      ['connections_closed_total', 'code="1006"', 2],
      ['hellos_total', 'session="new"', 1],
      ['hellos_total', 'session="resumed"', 1],
      ['upgrades_refused_total', 'status="403",cause="origin"', 1],
      ['messages_refused_total', 'code="empty"', 1],
      ['questions_admitted_total', 'source="model"', 1],
      ['questions_admitted_total', 'source="knowledge"', 1],
      ['questions_refused_total', 'cause="connection"', 1],
      ['fallbacks_total', 'cause="bad_request"', 1],
      ['answers_total', 'outcome="complete"', 2],
      ['first_token_seconds_count', 'source="model"', 1],
      ['upstream_first_chunk_seconds_count', '', 1],
      ['store_operation_seconds_count', 'operation="ledger_reserve"', 2],
      ['store_operation_seconds_count', 'operation="ledger_settle"', 2],
      ['connections', '', 0],
      ['streams', '', 0],
      ['holds', 'state="open"', 0],
    ]
    for (const [name, labels, count] of counts)
      assert.is(value(`le_mecano_${name}`, labels), count, `${name} ${labels}`)
    assert.ok((value('le_mecano_upstream_failures_total', 'kind="bad_request"') ?? 0) >= 1)
    assert.ok((value('le_mecano_between_tokens_seconds_count') ?? 0) >= 1)
    assert.ok((value('le_mecano_budget_spent_currency_units') ?? 0) > 0)
    assert.ok((value('process_resident_memory_bytes') ?? 0) > 1e6)
    assert.ok(value('nodejs_eventloop_lag_p99_seconds') !== undefined)
  }))

test('open connections and answers on their way are seen while they are', () =>
  withServer({}, async (server) => {
    server.emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
    const { socket } = await greeted(server)
    socket.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
    await heard(socket, 'start')
    const { value } = await scrape(server)
    const live = ['connections', 'streams', 'sessions'].map((name) => value(`le_mecano_${name}`))
    assert.equal(live, [1, 1, 1])
    assert.is(value('le_mecano_holds', 'state="open"'), 1)
    assert.ok((value('le_mecano_budget_held_currency_units') ?? 0) > 0)
    server.emulator.release(2)
    await heard(socket, 'done')
    socket.destroy()
  }))

test('a proof that is asked for and solved is counted', () =>
  withServer({ PROOF_OF_WORK: 'always' }, async (server) => {
    const { socket } = await greeted(server)
    await ask(socket, 'q1')
    socket.say({ type: 'ask', id: 'q2', text: 'Bonjour ?', proof: 'none at all' })
    await heard(socket, 'error')
    const { value } = await scrape(server)
    assert.is(value('le_mecano_proofs_total', 'step="asked"'), 2)
    assert.is(value('le_mecano_proofs_total', 'step="rejected"'), 1)
    assert.is(value('le_mecano_questions_refused_total', 'cause="proof_required"'), 2)
    socket.destroy()
  }))

test('every query of the dashboard and of the alerts reads what is there', () =>
  withServer({ CONNECTION_ASK_BURST: '2', CONNECTION_ASKS_PER_MINUTE: '0.01' }, async (server) => {
    await busyDay(server)
    const { series } = await scrape(server)
    const dashboard = JSON.parse(await readFile('deploy/grafana.json', 'utf8'))
    const drawn: string[] = dashboard.panels.flatMap((panel: { targets?: { expr: string }[] }) =>
      (panel.targets ?? []).map(({ expr }) => expr),
    )
    const alerts = [...(await readFile('deploy/alerts.yml', 'utf8')).matchAll(/^ +expr: (.+)$/gm)].map(
      ([, expr = '']) => expr,
    )
    assert.ok(drawn.length > 30 && alerts.length > 9, `${drawn.length} ${alerts.length}`)
    for (const query of [...drawn, ...alerts]) assertReadable(query, series)
    const names = new Set([...drawn, ...alerts].flatMap((query) => readsOf(query).metrics))
    const ours = [...series.keys()].filter((name) => /^le_mecano/.test(name) && !/_(sum|count|info)$/.test(name))
    assert.equal(
      ours.filter((name) => !names.has(name)),
      [],
      'each of our metrics is drawn or watched',
    )
  }))

// What Prometheus itself adds to what it scrapes.
const GIVEN = new Set(['instance', 'job'])
function assertReadable(query: string, series: Exposed['series']): void {
  const { metrics, labels } = readsOf(query)
  assert.ok(metrics.length > 0, query)
  const known = new Set(GIVEN)
  for (const metric of metrics.filter((name) => name !== 'up')) {
    const found = series.get(metric)
    assert.ok(found, `${metric} is not in /metrics: ${query}`)
    for (const text of found?.keys() ?? []) for (const [, label = ''] of text.matchAll(/(\w+)="/g)) known.add(label)
  }
  for (const label of labels) assert.ok(known.has(label), `no metric has the label ${label}: ${query}`)
}

test('only this machine and the token may read', async () => {
  const bearer = (token: string) => `Authorization: Bearer ${token}`
  const forwarded = 'X-Forwarded-For: 127.0.0.1'
  await withServer({ TRUSTED_PROXIES: 'loopback' }, async (server) => {
    assert.is(await statusOf(server, here('/metrics')), 200)
    assert.is(await statusOf(server, here('/metrics?x=1', 'Origin: https://evil.example')), 200)
    assert.is(await statusOf(server, get('/metrics')), 403, 'a strange host')
    assert.is(await statusOf(server, here('/metrics', forwarded)), 403)
    assert.is(await statusOf(server, here('/metrics', 'Via: 1.1 proxy')), 403)
    assert.is(await statusOf(server, here('/metrics', bearer(''))), 403)
  })
  await withServer({ METRICS_TOKEN: TOKEN }, async (server) => {
    assert.is(await statusOf(server, here('/metrics')), 200)
    const refused = await exchange(server.url, get('/metrics', bearer(`${TOKEN}x`)))
    assert.equal([refused.status, refused.headers.get('www-authenticate')], [401, 'Bearer'])
    assert.not.match(refused.bytes, 'le_mecano')
    assert.is(await statusOf(server, get('/metrics', bearer(TOKEN), 'X-Forwarded-For: 192.0.2.1')), 200)
  })
})

test('over a Unix socket only the token opens', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-metrics-'))
  const path = join(dir, 'x.sock')
  const ask = async (bytes: string) => {
    const socket = connect(path)
    socket.write(bytes)
    return parseAnswer(await readAll(socket)).status
  }
  await withServer({ PORT: '', SOCKET_PATH: path, METRICS_TOKEN: TOKEN, TRUSTED_PROXIES: 'unix' }, async () => {
    assert.is(await ask(here('/metrics')), 401)
    assert.is(await ask(here('/metrics', `Authorization: Bearer ${TOKEN}`)), 200)
  })
  await rm(dir, { recursive: true })
})

test('who asks too often has to wait, and keeps nobody else from asking', () =>
  withServer(
    { METRICS_TOKEN: TOKEN },
    async (server) => {
      // Through a proxy that nobody said to trust, so that it has this machine's address.
      const guess = here('/metrics', 'X-Forwarded-For: 192.0.2.1', 'Authorization: Bearer guess-guess-guess')
      for (let i = 0; i < 20; i++) assert.is(await statusOf(server, guess), 401)
      const refused = await exchange(server.url, guess)
      assert.equal([refused.status, refused.headers.get('retry-after')], [429, '1'])
      for (let i = 0; i < 20; i++) assert.is(await statusOf(server, here('/metrics')), 200)
      assert.is(await statusOf(server, here('/metrics')), 429)
    },
    { clock: manualClock() },
  ))

test('it is an answer like the others: headers, HEAD, no other method', () =>
  withServer({}, async (server) => {
    const { headers, status } = await exchange(server.url, here('/metrics'))
    assert.is(status, 200)
    assert.is(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    assert.is(headers.get('cache-control'), 'no-store')
    assert.is(headers.get('x-content-type-options'), 'nosniff')
    const head = await exchange(server.url, request('HEAD', '/metrics').replace('Host: chat.example', LOOPBACK))
    assert.equal([head.status, head.body], [200, ''])
    assert.is(await statusOf(server, request('POST', '/metrics').replace('Host: chat.example', LOOPBACK)), 405)
  }))

test('no content, token, key or address is in them', () =>
  withServer({ METRICS_TOKEN: TOKEN }, async (server) => {
    const [session = ''] = await busyDay(server)
    const { body } = await exchange(server.url, here('/metrics'))
    for (const secret of [session, TOKEN, 'key-for-tests', 'Bonjour', '127.0.0.1', 'evil.example', 'q1'])
      assert.not.match(body, secret)
  }))

test('one short id leads from the connection through the question to each call of the model', async () => {
  const lines: LogFields[] = []
  await withServer(
    {},
    async (server) => {
      server.emulator.setScenario({ name: 'invalid-400' })
      const { socket } = await greeted(server)
      await ask(socket, 'q1')
      await ask(socket, 'q2', ' ')
      socket.destroy()
      await vacated(server)
    },
    { log: linesLog(lines) },
  )
  const c = lines.find(({ event }) => event === 'connection')?.c
  assert.match(String(c), /^[\w-]{8}$/)
  const seen = (event: string) => lines.filter((line) => line.event === event)
  assert.ok(seen('model_failed').length > 0)
  for (const line of [...seen('model_failed'), ...seen('question')]) assert.equal([line.c, line.id], [c, 'q1'])
  assert.equal(
    seen('message_refused').map((line) => line.c),
    [c],
  )
})

function linesLog(lines: LogFields[], bound: LogFields = {}): Log {
  const add = (event: string, fields: LogFields = {}) => void lines.push({ event, ...bound, ...fields })
  return { info: add, warn: add, error: add, child: (fields) => linesLog(lines, { ...bound, ...fields }) }
}

test.run()
