import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Emulator, startEmulator } from '../../emulator/emulator.ts'
import { manualClock } from '../helpers/manual-clock.ts'

type Reply = { status: number; json: { requests?: number; open?: number; error?: { message: string } } }

async function call(emulator: Emulator, method: string, path: string, body?: unknown): Promise<Reply> {
  const payload = body === undefined ? {} : { body: JSON.stringify(body) }
  const reply = await fetch(`${emulator.url}/emulator/${path}`, { method, ...payload })
  const text = await reply.text()
  return { status: reply.status, json: text.startsWith('{') ? JSON.parse(text) : {} }
}

function ask(url: string): Promise<string> {
  const body = JSON.stringify({ contents: [{ parts: [{ text: 'Bonjour' }] }] })
  const path = '/v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse'
  return fetch(url + path, { method: 'POST', headers: { 'x-goog-api-key': 'k' }, body }).then((reply) => reply.text())
}

test('another process orders a scenario, releases chunks, reads and clears the ledger', async () => {
  const emulator = await startEmulator()
  assert.is((await call(emulator, 'POST', 'scenario', { name: 'ok', chunks: ['a', 'b'], gated: true })).status, 200)
  const waiting = call(emulator, 'GET', 'ledger/wait?requests=1&open=1')
  const answer = ask(emulator.url)
  assert.is((await waiting).json.open, 1)
  assert.is((await call(emulator, 'POST', 'release', { chunks: 2 })).status, 200)
  assert.match(await answer, 'STOP')
  assert.is((await call(emulator, 'GET', 'ledger/wait?requests=1&open=0')).json.requests, 1)
  await call(emulator, 'DELETE', 'ledger')
  assert.is((await call(emulator, 'GET', 'ledger')).json.requests, 0)
  assert.is((await call(emulator, 'POST', 'scenario', null)).status, 200)
  assert.match(await ask(emulator.url), 'STOP')
  await emulator.close()
})

test('a wait that is not fulfilled ends with 504 and the ledger as it is', async () => {
  const clock = manualClock()
  const emulator = await startEmulator({ clock })
  const waiting = call(emulator, 'GET', 'ledger/wait?requests=1&timeoutMs=500')
  await clock.waiting(1)
  clock.advance(500)
  const { status, json } = await waiting
  assert.is(status, 504)
  assert.is(json.requests, 0)
  await emulator.close()
})

test('mistakes are named and change nothing', async () => {
  const emulator = await startEmulator()
  const wrong = await call(emulator, 'POST', 'scenario', { name: 'stahl', times: 0 })
  assert.is(wrong.status, 400)
  assert.match(wrong.json.error?.message ?? '', /name: "stahl" does not fit; times: 0/)
  for (const chunks of [0, 1.5, '2', null]) assert.is((await call(emulator, 'POST', 'release', { chunks })).status, 400)
  assert.is((await call(emulator, 'GET', 'ledger/wait?open=x')).status, 400)
  assert.is((await call(emulator, 'PUT', 'ledger')).status, 404)
  assert.match(await ask(emulator.url), 'STOP')
  await emulator.close()
})

test('a web page can not control it: neither by its Origin nor by a name of its own', async () => {
  const emulator = await startEmulator()
  for (const headers of [
    { origin: 'https://evil.example' },
    { host: 'evil.example' },
    { host: 'localhost.evil.example' },
  ]) {
    const req = request(`${emulator.url}/emulator/ledger`, { headers, agent: false }).end()
    const [res] = await once(req, 'response')
    assert.is(res.resume().statusCode, 403)
  }
  await emulator.close()
})

test('the program starts, says where, and ends on SIGINT', async () => {
  const args = ['--import', 'tsx', 'emulator/main.ts', '--port', '0', '--speed', '0']
  const program = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line]: Buffer[] = await once(program.stdout, 'data')
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(String(line))?.[0]
  assert.match(await ask(url ?? ''), 'STOP')
  program.kill('SIGINT')
  assert.equal(await once(program, 'exit'), [0, null])
})

test.run()
