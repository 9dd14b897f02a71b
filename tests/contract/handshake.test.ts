import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertVacated, heard, type Line, recordingLog, statusOf, vacated, withServer } from '../helpers/edge.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { parseExposed } from '../helpers/prometheus.ts'
import { dial, exchange, get, parseAnswer, readAll } from '../helpers/raw-http.ts'
import { frame, handshake, knock, opcodes, rawSocket } from '../helpers/raw-socket.ts'
import type { TestServer } from '../helpers/server.ts'

test('[UPG1] the subprotocol is chosen when offered, and need not be', () =>
  withServer({}, async ({ url }) => {
    const chosen = async (offer: string | undefined) => {
      const { status, headers } = await knock(url, handshake({ 'Sec-WebSocket-Protocol': offer }))
      return [status, headers.get('sec-websocket-protocol')]
    }
    assert.equal(await chosen('le-mecano.v1'), [101, 'le-mecano.v1'])
    assert.equal(await chosen('other, le-mecano.v1'), [101, 'le-mecano.v1'])
    assert.equal(await chosen(undefined), [101, undefined])
    for (const offer of [
      'other',
      'le-mecano.v2',
      'LE-MECANO.V1',
      'le-mecano.v1,,',
      'le-mecano.v1, le-mecano.v1',
      '',
      ',',
    ])
      assert.is((await chosen(offer))[0], 400, offer)
  }))

test('[UPG1] compression is never agreed on', () =>
  withServer({}, async ({ url }) => {
    const { status, headers } = await knock(url, handshake({ 'Sec-WebSocket-Extensions': 'permessage-deflate' }))
    assert.equal([status, headers.get('sec-websocket-extensions')], [101, undefined])
  }))

test('[UPG2] our own origin, allowed ones and none are admitted, others are not', () =>
  withServer({ ALLOWED_ORIGINS: 'https://shop.example' }, async (server) => {
    const admitted = [undefined, 'https://chat.example', 'http://chat.example', 'https://shop.example']
    for (const origin of admitted) assert.is(await statusOf(server, { Origin: origin }), 101, origin)
    const refused = ['null', '', 'https://evil.example', 'http://shop.example', 'https://shop.example.evil.example']
    for (const origin of refused) assert.is(await statusOf(server, { Origin: origin }), 403, origin)
    const twice = handshake({ Origin: 'https://chat.example\r\nOrigin: https://evil.example' })
    assert.is((await knock(server.url, twice)).status, 403)
    assert.is(await statusOf(server, { Host: 'evil.example', Origin: 'https://chat.example' }), 403)
  }))

test('[UPG3] only /ws is there', () =>
  withServer({}, async (server) => {
    for (const path of ['/', '/ws/', '/WS', '/%77s', '//ws', '/ws/..', 'http://chat.example/ws', '/x/../ws', '/ws%00'])
      assert.is(await statusOf(server, {}, path), 404, path)
    assert.is(await statusOf(server, {}, '/ws?lang=fr'), 101)
  }))

test('[UPG1] a handshake that is none is 400', () =>
  withServer({ MAX_CONNECTIONS: '1' }, async (server) => {
    const broken: Record<string, string | undefined>[] = [
      { 'Sec-WebSocket-Key': undefined },
      { 'Sec-WebSocket-Key': 'short' },
      { 'Sec-WebSocket-Key': `${'x'.repeat(24)}==` },
      { 'Sec-WebSocket-Version': undefined },
      { 'Sec-WebSocket-Version': '12' },
      { 'Sec-WebSocket-Version': '13, 13' },
      { Upgrade: 'h2c' },
      { Upgrade: 'websocket, h2c' },
    ]
    for (const headers of broken) {
      const status = await statusOf(server, headers)
      assert.is(status, 400, JSON.stringify(headers))
      await assertVacated(server)
    }
    assert.is((await knock(server.url, handshake({}, '/ws', 'POST'))).status, 405)
    assert.is(await statusOf(server, { Connection: 'close' }), 426)
    await assertVacated(server)
  }))

test('[UPG4] so many connections of one address at a time', () =>
  withServer({ MAX_CONNECTIONS_PER_IP: '2' }, async (server) => {
    const first = await rawSocket(server.url)
    const second = await rawSocket(server.url)
    const third = await rawSocket(server.url)
    assert.equal([third.answer.status, third.answer.headers.get('retry-after')], [429, '10'])
    assert.is(server.house.app.connections, 2)
    assert.is(server.house.app.refusedPerMinute(), 1)
    first.destroy()
    while (server.house.app.connections > 1) await setImmediate()
    assert.is(await statusOf(server, {}), 101)
    second.destroy()
    await vacated(server)
  }))

test('[UPG4] so many upgrades of one address per minute, and a reconnect loop gains nothing', () => {
  const clock = manualClock()
  const run = async (server: TestServer) => {
    for (let i = 0; i < 3; i++) assert.is(await statusOf(server, {}), 101)
    for (let i = 0; i < 3; i++) {
      const { status, headers } = await knock(server.url, handshake())
      assert.equal([status, headers.get('retry-after')], [429, '30'])
    }
    clock.advance(30_000)
    assert.is(await statusOf(server, {}), 101)
    assert.is(await statusOf(server, {}), 429)
    await vacated(server)
  }
  return withServer({ IP_UPGRADE_BURST: '3', IP_UPGRADES_PER_MINUTE: '2' }, run, { clock })
})

test('[UPG4] while an address has to wait, its flood asks no store, and is told the time that is left', () => {
  const clock = manualClock()
  const run = async (server: TestServer) => {
    const takes = async () => {
      const page = (await exchange(server.url, get('/metrics').replace('chat.example', '127.0.0.1'))).body
      return parseExposed(page).value('le_mecano_store_operation_seconds_count', 'operation="bucket_take"') ?? -1
    }
    const knockOnce = async () => {
      const { status, headers } = await knock(server.url, handshake())
      return [status, headers.get('retry-after')]
    }
    assert.is(await statusOf(server, {}), 101)
    assert.equal(await knockOnce(), [429, '30'])
    const before = await takes()
    for (let i = 0; i < 50; i++) assert.equal(await knockOnce(), [429, '30'])
    clock.advance(20_000)
    assert.equal(await knockOnce(), [429, '10'])
    assert.is(await takes(), before)
    assert.is(server.house.app.refusedPerMinute(), 52)
    clock.advance(10_000)
    assert.is(await statusOf(server, {}), 101)
    assert.is(await takes(), before + 1)
    await vacated(server)
  }
  return withServer({ IP_UPGRADE_BURST: '1', IP_UPGRADES_PER_MINUTE: '2' }, run, { clock })
})

test('[UPG5] a full server says when to come back', () =>
  withServer({ MAX_CONNECTIONS: '1' }, async (server) => {
    const only = await rawSocket(server.url)
    const { status, headers } = await knock(server.url, handshake())
    assert.equal([status, headers.get('retry-after')], [503, '10'])
    only.destroy()
    await assertVacated(server)
  }))

test('[UPG5] a server that goes away refuses, and closes who is idle with 1012', () =>
  withServer({ DRAIN_MS: '60000' }, async ({ url, emulator, house }) => {
    emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bon', 'jour.'] })
    const asking = await rawSocket(url)
    asking.say({ type: 'hello' })
    asking.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
    await heard(asking, 'start')
    const idle = await rawSocket(url)
    const late = dial(url)
    late.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.concat(handshake().slice(0, -2)))
    await once(late, 'data')
    const drained = house.app.drain()
    assert.is(await idle.closeCode(), 1012)
    late.write('\r\n')
    const answer = parseAnswer(await readAll(late))
    assert.equal([answer.status, answer.headers.get('retry-after')], [503, '5'])
    emulator.release(2)
    assert.match((await heard(asking, 'done'))?.payload.toString() ?? '', '"complete"')
    assert.is(await asking.closeCode(), 1012)
    await drained
    assert.is(house.app.connections, 0)
  }))

test('[ATTACK12] a trusted proxy speaks for its clients, from the right', () =>
  withServer({ IP_UPGRADE_BURST: '1', IP_UPGRADES_PER_MINUTE: '0.1', TRUSTED_PROXIES: 'loopback' }, async (server) => {
    const from = (list: string) => statusOf(server, { 'X-Forwarded-For': list })
    assert.is(await from('198.51.100.1'), 101)
    assert.is(await from('198.51.100.1'), 429)
    assert.is(await from('203.0.113.7, 198.51.100.1'), 429)
    assert.is(await from('198.51.100.1, 198.51.100.2'), 101)
    assert.is(await from('198.51.100.9\r\nX-Forwarded-For: 198.51.100.2'), 429)
    assert.is(await from('198.51.100.3, 127.0.0.1'), 101)
    await vacated(server)
  }))

test('[ATTACK22] a flood of refusals fills no disk: a line each second, with what it stands for', async () => {
  const lines: Line[] = []
  const clock = manualClock()
  const run = async (server: TestServer) => {
    for (let i = 0; i < 100; i++) assert.is(await statusOf(server, {}, '/x'), 404)
    clock.advance(1000)
    assert.is(await statusOf(server, {}, '/x'), 404)
    assert.is(server.house.app.refusedPerMinute(), 101)
  }
  await withServer({}, run, { clock, log: recordingLog(lines) })
  const refused = lines.filter(({ event }) => event === 'upgrade_refused')
  assert.is(refused.length, 61)
  assert.equal(refused.at(-1)?.fields, { status: 404, cause: 'path', unlogged: 40 })
})

test('[ATTACK18] who hangs up in the middle of the handshake leaves no place taken', () =>
  withServer({ MAX_CONNECTIONS: '1' }, async (server) => {
    for (let i = 0; i < 20; i++) {
      const socket = dial(server.url)
      socket.end(handshake())
      await readAll(socket)
    }
    for (let i = 0; i < 20; i++) {
      const socket = dial(server.url)
      socket.write(handshake(), () => socket.resetAndDestroy())
      await readAll(socket)
    }
    await assertVacated(server)
  }))

test('[ATTACK18] a refused handshake leaves no descriptor open', () =>
  withServer({}, async (server) => {
    const open = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const before = open()
    for (let i = 0; i < 20; i++) await statusOf(server, { Origin: 'null' })
    while (open() > before) await setImmediate()
  }))

test('what comes in one packet with the handshake is heard, and so is a request before it', () =>
  withServer({ MAX_CONNECTIONS: '1' }, async (server) => {
    const hello = frame(opcodes.text, '{"type":"hello"}')
    const eager = await rawSocket(server.url, {}, Buffer.concat([Buffer.from(handshake()), hello]))
    assert.ok(await heard(eager, 'welcome'))
    eager.destroy()
    await vacated(server)
    const pipelined = dial(server.url)
    pipelined.write(get('/readyz').replace('close', 'keep-alive') + handshake())
    await once(pipelined, 'data')
    pipelined.destroy()
    await assertVacated(server)
  }))

test.run()
