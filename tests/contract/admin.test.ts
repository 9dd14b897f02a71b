import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ADMIN_TOKEN, adminIn, adminSocket, here, withBarePages } from '../helpers/admin.ts'
import { heard, type Line, recordingLog, withServer } from '../helpers/edge.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { exchange, get, parseAnswer } from '../helpers/raw-http.ts'
import { frame, handshake, opcodes, type RawSocket, rawSocket } from '../helpers/raw-socket.ts'
import type { TestServer } from '../helpers/server.ts'

const ON = { ADMIN_TOKEN }
const text = (frames: readonly { payload: Buffer }[]) => frames.map(({ payload }) => payload.toString()).join('\n')

async function ask({ url, emulator }: TestServer, question: string): Promise<RawSocket> {
  emulator.setScenario({ name: 'ok', chunks: ['Bonjour.'] })
  const socket = await rawSocket(url)
  socket.say({ type: 'hello' })
  socket.say({ type: 'ask', id: 'q1', text: question })
  await heard(socket, 'done')
  return socket
}

test('without ADMIN_TOKEN there is no status page: no page, no script, no socket', () =>
  withBarePages((clientDir) =>
    withServer(
      {},
      async ({ url }) => {
        for (const path of [
          '/admin',
          '/admin/',
          '/admin.html',
          '/admin/ws',
          '/admin-0a1b2c3d.js',
          '/admin-0a1b2c3d.css',
        ])
          assert.is((await exchange(url, get(path, 'Host: 127.0.0.1'))).status, 404, path)
        assert.is((await adminSocket(url, here)).answer.status, 404)
        assert.is((await exchange(url, get('/page-0a1b2c3d.js'))).status, 200)
      },
      { clientDir },
    ),
  ))

test('with it the page is there for anybody, empty, and other sites may not frame it', () =>
  withBarePages((clientDir) =>
    withServer(
      { ...ON, ALLOWED_ORIGINS: 'https://shop.example' },
      async ({ url }) => {
        const page = await exchange(url, get('/admin'))
        assert.equal([page.status, page.headers.get('cache-control')], [200, 'no-cache'])
        assert.match(page.headers.get('content-security-policy') ?? '', "frame-ancestors 'self';")
        assert.match(page.headers.get('content-security-policy') ?? '', "require-trusted-types-for 'script'")
        assert.not.match(page.bytes, ADMIN_TOKEN)
        assert.match(
          (await exchange(url, get('/'))).headers.get('content-security-policy') ?? '',
          'https://shop.example',
        )
        const asset = await exchange(url, get('/admin-0a1b2c3d.js'))
        assert.match(asset.headers.get('cache-control') ?? '', 'immutable')
        assert.is((await exchange(url, get('/admin/ws'))).status, 426)
        assert.is((await exchange(url, get('/admin.html'))).status, 404)
      },
      { clientDir },
    ),
  ))

test('the token opens: what runs here, the last hour, figures and the budget', () =>
  withServer(ON, async (server) => {
    const { socket, welcome } = await adminIn(server.url)
    assert.equal(
      [welcome.protocol, welcome.about.mode, welcome.about.store, welcome.about.pid],
      [1, 'gemini', 'memory', process.pid],
    )
    assert.equal((await socket.expect('figures')).figures.failures, [])
    const { budget } = await socket.expect('budget')
    assert.equal([budget?.pace.length, budget?.halted, budget?.cap, budget?.spent], [25, null, 1, 0])
    socket.destroy()
  }))

test('nothing is told before the token, nor after a wrong one: 4401', () =>
  withServer(ON, async ({ url }) => {
    for (const token of ['', 'admin', `${ADMIN_TOKEN}x`, ADMIN_TOKEN.toUpperCase(), 'x'.repeat(512)]) {
      // From this very machine, which is not enough.
      const socket = await adminSocket(url, here)
      socket.say({ type: 'hello', token })
      assert.is((await socket.expect('error')).code, 'wrong_token', token)
      assert.is(await socket.closeCode(), 4401)
    }
  }))

test('what is no hello ends it with 4400', () =>
  withServer(ON, async ({ url }) => {
    const messages: object[] = [
      { type: 'watch' },
      { type: 'hello' },
      { type: 'hello', token: ADMIN_TOKEN, more: 1 },
      { type: 'hello', token: [ADMIN_TOKEN] },
      { type: 'hello', token: 'x'.repeat(600) },
    ]
    for (const message of messages) {
      const socket = await adminSocket(url)
      socket.say(message)
      assert.is((await socket.expect('error')).code, 'hello_first', JSON.stringify(message))
      assert.is(await socket.closeCode(), 4400)
    }
    const { socket } = await adminIn(url)
    socket.say({ type: 'hello', token: ADMIN_TOKEN })
    await socket.hear('error')
    assert.is(await socket.closeCode(), 4400)
  }))

test('a binary frame, a long one and silence end it as they end a visitor’s', async () => {
  const clock = manualClock()
  await withServer(
    ON,
    async ({ url }) => {
      const binary = await adminSocket(url)
      binary.send(frame(opcodes.binary, 'x'))
      assert.is(await binary.closeCode(), 1003)
      const long = await adminSocket(url)
      long.send(frame(opcodes.text, 'x'.repeat(3000)))
      assert.is(await long.closeCode(), 1009)
      const silent = await adminSocket(url)
      const watching = await adminIn(url)
      clock.advance(12_000)
      assert.is(await silent.closeCode(), 4408)
      assert.ok((await watching.socket.hear('figures')).figures.now.at > 0)
      watching.socket.destroy()
    },
    { clock },
  )
})

test('a token in the address, in a header or in a cookie opens nothing', () =>
  withServer(ON, async ({ url }) => {
    const bytes = handshake(
      { Authorization: `Bearer ${ADMIN_TOKEN}`, Cookie: `token=${ADMIN_TOKEN}` },
      `/admin/ws?token=${ADMIN_TOKEN}`,
    )
    const socket = await rawSocket(url, {}, bytes)
    assert.is(socket.answer.status, 101)
    // A fence: had anything been told, it would have come before the answer to this.
    socket.say({ type: 'hello', token: 'wrong' })
    assert.match((await socket.next())?.payload.toString() ?? '', 'wrong_token')
    socket.destroy()
  }))

test('who tries too often has to wait, with the right token too: 429 and Retry-After', async () => {
  const clock = manualClock()
  await withServer(
    ON,
    async ({ url }) => {
      const guesser = { 'X-Forwarded-For': '192.0.2.1' }
      const guess = async (token: string) => {
        const socket = await adminSocket(url, guesser)
        socket.say({ type: 'hello', token })
        const { code, retryAfterMs } = await socket.expect('error')
        socket.destroy()
        return [code, retryAfterMs]
      }
      const early = await adminSocket(url, guesser)
      for (let i = 0; i < 9; i++) assert.equal(await guess('wrong'), ['wrong_token', undefined])
      assert.equal(await guess('wrong'), ['wrong_token', 6000], 'the last try for now')
      early.say({ type: 'hello', token: ADMIN_TOKEN })
      const told = await early.expect('error')
      assert.equal([told.code, told.retryAfterMs], ['rate_limited', 6000])
      assert.is(await early.closeCode(), 4429)
      const refused = await adminSocket(url, guesser)
      assert.equal([refused.answer.status, refused.answer.headers.get('retry-after')], [429, '6'])
      // A stranger behind a proxy that nobody trusts has this machine's address, and can't keep it out.
      const local = await adminIn(url, here)
      local.socket.destroy()
      clock.advance(6000)
      const later = await adminIn(url, guesser)
      later.socket.destroy()
    },
    { clock },
  )
})

test('a foreign page may not connect, nor may one that may embed the assistant', () =>
  withServer({ ...ON, ALLOWED_ORIGINS: 'https://shop.example' }, async ({ url }) => {
    const status = async (headers: Record<string, string>) => {
      const socket = await adminSocket(url, headers)
      socket.destroy()
      return socket.answer.status
    }
    for (const Origin of ['https://evil.example', 'https://shop.example', 'null'])
      assert.is(await status({ Origin }), 403)
    assert.is(await status({ Origin: 'https://chat.example' }), 101)
    assert.is(await status({ 'Sec-WebSocket-Protocol': 'le-mecano.v1' }), 400)
    const chosen = await adminSocket(url, { 'Sec-WebSocket-Protocol': 'le-mecano-admin.v1' })
    assert.is(chosen.answer.headers.get('sec-websocket-protocol'), 'le-mecano-admin.v1')
    chosen.destroy()
  }))

test('so many connections of one address, and no more', () =>
  withServer(ON, async ({ url }) => {
    const sockets = []
    for (let i = 0; i < 10; i++) sockets.push(await adminSocket(url))
    assert.is((await adminSocket(url)).answer.status, 429)
    const visitor = await rawSocket(url)
    assert.is(visitor.answer.status, 101, 'visitors have places of their own')
    for (const socket of [...sockets, visitor]) socket.destroy()
  }))

test('what visitors do is in the next figures, without a word of theirs', async () => {
  const clock = manualClock()
  await withServer(
    ON,
    async (server) => {
      const { socket } = await adminIn(server.url)
      const visitor = await ask(server, 'Combien coûte le secret ?')
      visitor.say({ type: 'ask', id: 'q2', text: ' ' })
      await heard(visitor, 'error')
      server.emulator.setScenario({ name: 'invalid-400' })
      visitor.say({ type: 'ask', id: 'q3', text: 'Encore un secret ?' })
      await heard(visitor, 'done')
      clock.advance(2000)
      const seen = [await socket.hear('figures'), await socket.hear('figures')].at(-1)
      assert.equal([seen?.figures.now.connections, seen?.figures.now.questions, seen?.figures.now.refused], [1, 2, 1])
      assert.equal(seen?.figures.refusals, [{ why: 'message: empty', lastMinute: 1, sinceStart: 1 }])
      assert.equal(
        seen?.figures.failures.map(({ of, kind }) => [of, kind]),
        [['model', 'bad_request']],
      )
      assert.is(seen?.figures.now.firstP50, 0)
      clock.advance(8000)
      const { budget } = await socket.hear('budget')
      clock.advance(10_000)
      const spent = (await socket.hear('budget')).budget?.spent ?? 0
      assert.ok(spent > 0 && spent >= (budget?.spent ?? 0))
      const again = await adminIn(server.url)
      assert.is(again.welcome.history.at.length, 10)
      const all = JSON.stringify([seen, again.welcome])
      for (const word of ['secret', 'Bonjour', 'q1', '127.0.0.1', 'key-for-tests']) assert.not.match(all, word)
      for (const each of [socket, again.socket, visitor]) each.destroy()
    },
    { clock },
  )
})

test('the token is in no log line, no metric, no page and no frame', async () => {
  const lines: Line[] = []
  await withBarePages((clientDir) =>
    withServer(
      ON,
      async (server) => {
        const { socket } = await adminIn(server.url)
        const frames = [await socket.next(), await socket.next()].flatMap((found) => found ?? [])
        socket.destroy()
        const wrong = await adminSocket(server.url)
        wrong.say({ type: 'hello', token: `${ADMIN_TOKEN}-almost` })
        frames.push((await wrong.next()) ?? { opcode: 1, fin: true, payload: Buffer.alloc(0) })
        await wrong.closeCode()
        const silent = await adminSocket(server.url, { Authorization: `Bearer ${ADMIN_TOKEN}` })
        silent.destroy()
        const metrics = await exchange(server.url, get('/metrics').replace('chat.example', '127.0.0.1'))
        assert.is(metrics.status, 200)
        const page = await exchange(server.url, get('/admin'))
        for (const bytes of [text(frames), metrics.body, page.bytes, JSON.stringify(lines)])
          assert.not.match(bytes, ADMIN_TOKEN)
      },
      { clientDir, log: recordingLog(lines) },
    ),
  )
  const refused = lines.filter(({ event }) => event === 'admin_refused')
  assert.equal(
    refused.map(({ fields }) => fields),
    [{ code: 'wrong_token' }],
  )
})

test('a server that drains closes the status page at once, to come back to the next', () =>
  withServer(ON, async (server) => {
    const { socket } = await adminIn(server.url)
    const drained = server.house.app.drain()
    assert.is(await socket.closeCode(), 1012)
    await drained
  }))

test('over a Unix socket the token opens as well, and nothing else does', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-admin-'))
  const path = join(dir, 'x.sock')
  await withServer({ ...ON, PORT: '', SOCKET_PATH: path, TRUSTED_PROXIES: 'unix' }, async () => {
    const first = (token: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(path)
        let bytes = ''
        socket.on('data', (chunk: Buffer) => {
          bytes += chunk.toString('latin1')
          if (!/"type":"\w+"/.test(bytes)) return
          socket.destroy()
          resolve(bytes)
        })
        socket.write(handshake(here, '/admin/ws'))
        socket.write(frame(opcodes.text, JSON.stringify({ type: 'hello', token })))
      })
    const [right, wrong] = [await first(ADMIN_TOKEN), await first('x')]
    assert.is(parseAnswer(right).status, 101)
    assert.match(right, '"type":"welcome"')
    assert.match(wrong, '"wrong_token"')
    assert.not.match(wrong, 'welcome')
  })
  await rm(dir, { recursive: true })
})

test.run()
