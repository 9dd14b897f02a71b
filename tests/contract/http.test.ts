import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { dial, exchange, get, parseAnswer, type RawAnswer, readAll, request } from '../helpers/raw-http.ts'
import { rawSocket } from '../helpers/raw-socket.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

const PAGE = '<!doctype html><title>page</title>'
const SCRIPT = 'console.log("page")\n'.repeat(50)
const SECRET = 'never-to-be-seen'

/** A server with a built page, and beside it (and in it) files that are nobody's business. */
async function withServer(run: (server: TestServer, clientDir: string) => Promise<void>, env = {}): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'le-mecano-http-'))
  const clientDir = join(root, 'client')
  await mkdir(clientDir)
  const put = (name: string, body: string | Buffer) => writeFile(join(clientDir, name), body)
  await put('index.html', PAGE)
  await put('page-0a1b2c3d.js', SCRIPT)
  await put('embed.js', SCRIPT)
  await put('page-0a1b2c3d.js.br', brotliCompressSync(SCRIPT))
  await put('page-0a1b2c3d.js.gz', gzipSync(SCRIPT))
  for (const name of ['.env', 'le-mecano.db', 'page.js.map', '../.env', '../secret.txt']) await put(name, SECRET)
  const server = await startServer(env, { clientDir })
  try {
    await run(server, clientDir)
  } finally {
    await server.close()
    await rm(root, { recursive: true })
  }
}

const SECURITY = [
  'content-security-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'x-content-type-options',
  'referrer-policy',
  'permissions-policy',
]
function assertGuarded(answer: RawAnswer, what: string): void {
  for (const name of SECURITY) assert.ok(answer.headers.get(name), `${what} has no ${name}`)
  assert.is(answer.headers.get('x-content-type-options'), 'nosniff')
  assert.not(answer.headers.has('x-powered-by'))
  assert.not(answer.headers.has('set-cookie'))
}

test('every answer carries the security headers and its type, with the charset', () =>
  withServer(async ({ url }) => {
    const wanted: [string, number][] = [
      [get('/'), 200],
      [get('/page-0a1b2c3d.js'), 200],
      [get('/healthz'), 200],
      [get('/readyz'), 200],
      [get('/ws'), 426],
      [get('/nothing'), 404],
      [request('POST', '/', 'Content-Length: 0'), 405],
      [request('HEAD', '/'), 200],
    ]
    for (const [bytes, status] of wanted) {
      const answer = await exchange(url, bytes)
      assert.is(answer.status, status, bytes)
      assertGuarded(answer, bytes)
      assert.match(answer.headers.get('content-type') ?? '', /^text\/(html|javascript|plain); charset=utf-8$/, bytes)
    }
  }))

test('other sites may load the loader, and nothing else', () =>
  withServer(async ({ url }) => {
    const loader = await exchange(url, get('/embed.js'))
    assertGuarded(loader, '/embed.js')
    assert.is(loader.headers.get('cross-origin-resource-policy'), 'cross-origin')
    assert.is(loader.headers.get('access-control-allow-origin'), '*')
    const page = await exchange(url, get('/'))
    assert.is(page.headers.get('cross-origin-resource-policy'), 'same-origin')
    assert.not(page.headers.has('access-control-allow-origin'))
  }))

test('the policy names who may embed the page, and nobody else', () =>
  withServer(
    async ({ url }) => {
      const policy = (await exchange(url, get('/'))).headers.get('content-security-policy') ?? ''
      const rules = new Map(policy.split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1).join(' ')]))
      assert.is(rules.get('default-src'), "'none'")
      assert.is(rules.get('script-src'), "'self'")
      assert.is(rules.get('connect-src'), "'self'")
      assert.is(rules.get('frame-ancestors'), "'self' https://shop.example http://localhost:5173")
      assert.is(rules.get('require-trusted-types-for'), "'script'")
      assert.equal([rules.get('trusted-types'), rules.get('worker-src')], ['proof-worker', "'self'"])
    },
    { ALLOWED_ORIGINS: 'https://shop.example,http://localhost:5173' },
  ))

test('the page is asked for again each time, a name with a hash is kept', () =>
  withServer(async ({ url }) => {
    const page = await exchange(url, get('/?from=mail'))
    assert.equal([page.status, page.body, page.headers.get('cache-control')], [200, PAGE, 'no-cache'])
    assert.is(page.headers.get('content-type'), 'text/html; charset=utf-8')
    const script = await exchange(url, get('/page-0a1b2c3d.js'))
    assert.is(script.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    assert.is((await exchange(url, get('/nothing'))).headers.get('cache-control'), 'no-store')
  }))

test('the twins that the build made go out, each with its length', () =>
  withServer(async ({ url }) => {
    const ask = async (accepted: string) => {
      const answer = await exchange(url, get('/page-0a1b2c3d.js', `Accept-Encoding: ${accepted}`))
      assert.is(answer.headers.get('vary'), 'accept-encoding')
      assert.is(Number(answer.headers.get('content-length')), answer.body.length)
      return { encoding: answer.headers.get('content-encoding'), body: Buffer.from(answer.body, 'latin1') }
    }
    const br = await ask('gzip, br')
    assert.equal([br.encoding, brotliDecompressSync(br.body).toString()], ['br', SCRIPT])
    const gzip = await ask('gzip, br;q=0')
    assert.equal([gzip.encoding, gunzipSync(gzip.body).toString()], ['gzip', SCRIPT])
    const plain = await ask('identity')
    assert.equal([plain.encoding, plain.body.toString()], [undefined, SCRIPT])
  }))

test('what the browser has already is not sent again', () =>
  withServer(async ({ url }) => {
    const etag = (await exchange(url, get('/'))).headers.get('etag') ?? ''
    for (const tag of [etag, etag.replace('W/', ''), `"other", ${etag}`, '*']) {
      const answer = await exchange(url, get('/', `If-None-Match: ${tag}`))
      assert.equal([answer.status, answer.body, answer.headers.get('etag')], [304, '', etag], tag)
      assertGuarded(answer, tag)
    }
    for (const tag of ['"other"', '', etag.slice(0, -2), '"*"'])
      assert.is((await exchange(url, get('/', `If-None-Match: ${tag}`))).status, 200, tag)
  }))

test('HEAD says what GET would, without the body', () =>
  withServer(async ({ url }) => {
    for (const path of ['/', '/page-0a1b2c3d.js', '/healthz', '/nothing', '/readyz']) {
      const [full, head] = [await exchange(url, get(path)), await exchange(url, request('HEAD', path))]
      assert.equal([head.status, head.body], [full.status, ''])
      assert.is(head.headers.get('content-length'), `${full.body.length}`, path)
    }
  }))

test('[ATTACK21] other methods are 405 on what exists and 404 on the rest', () =>
  withServer(async ({ url }) => {
    const methods = ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND', 'PURGE', 'MOVE']
    for (const method of methods) {
      for (const path of ['/', '/healthz', '/readyz', '/ws']) {
        const answer = await exchange(url, request(method, path))
        assert.equal([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD'], `${method} ${path}`)
        assert.not.match(answer.body, 'chat.example')
      }
      assert.is((await exchange(url, request(method, '/nothing'))).status, 404, method)
    }
    for (const method of ['BREW', 'get', 'GET\t', 'PRI'])
      assert.is((await exchange(url, request(method, '/'))).status, 400, method)
    assert.is((await exchange(url, request('OPTIONS', '*'))).status, 404)
    assert.is((await exchange(url, request('CONNECT', 'evil.example:443'))).status, 0)
  }))

const tricks = `
  /.env /../.env /../../../../etc/passwd /./.env /%2e%2e/.env /%2e%2e%2f.env /..%2f.env /..%5c.env /..\\.env
  /%00 /index.html%00.js /%252e%252e/.env //.env //etc/passwd // /\\ /% /index.html /page-0a1b2c3d.js/
  /page-0a1b2c3d.js/.. /page-0a1b2c3d.js.br /PAGE-0A1B2C3D.JS /le-mecano.db /page.js.map /secret.txt
  /client/index.html /__proto__ /constructor /toString /hasOwnProperty /metrics/ /Metrics /admin /server/main.js
  /persona/persona.json /.git/config /;/ /. /healthz/ /%77s http://chat.example/ http://evil.example/.env
  file:///etc/passwd https://chat.example/ws //chat.example/
`
  .trim()
  .split(/\s+/)

test('[ATTACK21] a path is looked up as it is, and leads nowhere else', () =>
  withServer(async ({ url }) => {
    for (const path of tricks) {
      const answer = await exchange(url, get(path))
      assert.is(answer.status, 404, path)
      assert.not.match(answer.bytes, SECRET)
      assert.not.match(answer.bytes, 'root:')
      assertGuarded(answer, path)
    }
    for (const path of ['\\..\\.env', '/\0', '/a b', 'nothing', '', '/é\u0001', '/\u007f']) {
      const { status } = await exchange(url, get(path))
      assert.ok(status === 400 || status === 404, `${JSON.stringify(path)}: ${status}`)
    }
  }))

test('[ATTACK21] long addresses, long headers and many headers end at a bound', () =>
  withServer(async ({ url }) => {
    assert.is((await exchange(url, get(`/${'a'.repeat(4000)}`))).status, 404)
    assert.is((await exchange(url, get(`/${'a'.repeat(20_000)}`))).status, 431)
    assert.is((await exchange(url, get('/', `X: ${'a'.repeat(20_000)}`))).status, 431)
    assert.is((await exchange(url, get('/', ...Array.from({ length: 2000 }, (_, i) => `X${i}: a`)))).status, 431)
  }))

test('[ATTACK21] Host decides nothing, but must be there once', () =>
  withServer(async ({ url }) => {
    for (const host of ['evil.example', 'evil.example/.env', '', '127.0.0.1:1', '<script>', '../..']) {
      const answer = await exchange(url, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      assert.equal([answer.status, answer.body], [200, PAGE], host)
    }
    assert.is((await exchange(url, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).status, 400)
  }))

test('[ATTACK21] requests that read two ways are refused', () =>
  withServer(async ({ url }) => {
    const both = 'Content-Length: 4\r\nTransfer-Encoding: chunked'
    const heads = [
      both,
      'Content-Length: 4\r\nContent-Length: 5',
      'Transfer-Encoding: chunked, x',
      'Content-Length: +4',
      'X : a',
    ]
    for (const head of heads) {
      const answer = await exchange(
        url,
        `GET / HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n`,
      )
      assert.not.match(answer.bytes, /^ok$/m, head)
    }
  }))

test('a body is not read: the answer comes, then the end', () =>
  withServer(async ({ url }) => {
    const keepAlive = (head: string) => `POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`
    for (const head of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked', 'Content-Length: 0']) {
      const answer = await exchange(url, keepAlive(head))
      assert.equal([answer.status, answer.headers.get('connection')], [405, 'close'], head)
    }
  }))

test('a kept connection serves several requests, then is let go', () =>
  withServer(async ({ url }) => {
    const kept = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
    const socket = dial(url)
    socket.write(kept + kept + get('/readyz'))
    const bytes = await readAll(socket)
    assert.is(bytes.match(/HTTP\/1\.1 200 OK/g)?.length, 3)
    assert.match(bytes, /ready\n$/)
  }))

test('/readyz follows the store, /healthz only the process', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-store-'))
  const run = async ({ url }: TestServer) => {
    assert.equal((await exchange(url, get('/readyz'))).body, 'ready\n')
    await rm(dir, { recursive: true })
    const ready = await exchange(url, get('/readyz'))
    assert.equal([ready.status, ready.body, ready.headers.get('cache-control')], [503, 'not ready\n', 'no-store'])
    assertGuarded(ready, '503')
    assert.is((await exchange(url, get('/healthz'))).status, 200)
  }
  await withServer(run, { STORE_URL: `sqlite:${join(dir, 'x.db')}` })
})

test('/readyz is 503 while the server drains', () =>
  withServer(
    async ({ url, emulator, house }) => {
      emulator.setScenario({ name: 'ok', gated: true, chunks: ['Bonjour.'] })
      const visitor = await rawSocket(url)
      visitor.say({ type: 'hello' })
      visitor.say({ type: 'ask', id: 'q1', text: 'Bonjour ?' })
      await visitor.next(({ payload }) => payload.includes('"type":"start"'))
      const socket = dial(url)
      // Half a request keeps the connection; the page proves that the server has accepted it.
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n')
      const [first] = await once(socket, 'data')
      assert.is(parseAnswer(String(first)).status, 200)
      const drained = house.app.drain()
      socket.write('Connection: close\r\n\r\n')
      const answer = parseAnswer(await readAll(socket))
      assert.equal([answer.status, answer.body], [503, 'not ready\n'])
      emulator.release(1)
      assert.is(await visitor.closeCode(), 1012)
      await drained
    },
    { DRAIN_MS: '60000' },
  ))

test('no request touches the file system: what is on the disk later is not served', () =>
  withServer(async ({ url }, clientDir) => {
    await writeFile(join(clientDir, 'later.js'), SECRET)
    await rm(join(clientDir, 'page-0a1b2c3d.js'))
    assert.is((await exchange(url, get('/later.js'))).status, 404)
    assert.is((await exchange(url, get('/page-0a1b2c3d.js'))).body, SCRIPT)
  }))

test.run()
