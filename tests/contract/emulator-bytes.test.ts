import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Emulator, type EmulatorOptions, startEmulator } from '../../emulator/emulator.ts'

const random = { float: () => 0.5, token: () => 'response-1' }
const STREAM = '/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse'
const ask = { contents: [{ role: 'user', parts: [{ text: 'Bonjour' }] }], generationConfig: { maxOutputTokens: 800 } }
type Got = { status: number; headers: IncomingMessage['headers']; pieces: Buffer[]; body: string; whole: boolean }

/** A request by plain node:http: every piece of the body as it came, and whether the end was proper. */
async function fetchRaw(
  emulator: Emulator,
  path = STREAM,
  method = 'POST',
  body: unknown = ask,
  key = 'k',
): Promise<Got> {
  const headers: Record<string, string> = key === '' ? {} : { 'x-goog-api-key': key }
  const req = request(emulator.url + path, { method, agent: false, headers })
  req.on('error', () => {})
  req.end(method === 'POST' ? JSON.stringify(body) : undefined)
  const [res]: IncomingMessage[] = await once(req, 'response')
  if (res === undefined) throw new Error('no response')
  const pieces: Buffer[] = []
  res.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => {})
  await new Promise((resolve) => res.once('close', resolve))
  const text = Buffer.concat(pieces).toString()
  return { status: res.statusCode ?? 0, headers: res.headers, pieces, body: text, whole: res.complete }
}

async function withEmulator(use: (emulator: Emulator) => Promise<void>, options: EmulatorOptions = {}): Promise<void> {
  const emulator = await startEmulator({ random, ...options })
  try {
    await use(emulator)
  } finally {
    await emulator.close()
  }
}

test('a stream is these bytes', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'ok', chunks: ['Ohé <marin> \u2028', 'à "bord"'] })
    const { status, headers, body } = await fetchRaw(emulator)
    assert.is(status, 200)
    assert.is(headers['content-type'], 'text/event-stream')
    const usage = (tokens: number) =>
      `"usageMetadata": {"promptTokenCount": 2,"candidatesTokenCount": ${tokens},"totalTokenCount": ${tokens + 2},"promptTokensDetails": [{"modality": "TEXT","tokenCount": 2}]}`
    const tail = '"modelVersion": "gemini-3.5-flash-lite","responseId": "response-1"}\r\n\r\n'
    assert.is(
      body,
      `data: {"candidates": [{"content": {"parts": [{"text": "Ohé \\u003cmarin\\u003e \\u2028"}],"role": "model"},"index": 0}],${usage(4)},${tail}` +
        `data: {"candidates": [{"content": {"parts": [{"text": "à \\"bord\\""}],"role": "model"},"finishReason": "STOP","index": 0}],${usage(7)},${tail}`,
    )
  }))

test('finishApart puts the reason in a last chunk without text', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'ok', chunks: ['a', 'b'], finishApart: true })
    const { body } = await fetchRaw(emulator)
    assert.is(body.match(/^data: /gm)?.length, 3)
    assert.match(body, '{"parts": [{"text": ""}],"role": "model"},"finishReason": "STOP"')
  }))

test('an error is pretty printed', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'unavailable-503' })
    const { status, headers, body } = await fetchRaw(emulator)
    assert.is(status, 503)
    assert.is(headers['content-type'], 'application/json; charset=UTF-8')
    assert.is(
      body,
      '{\n  "error": {\n    "code": 503,\n    "message": "The model is overloaded. Please try again later.",\n    "status": "UNAVAILABLE"\n  }\n}\n',
    )
  }))

test('the two quotas say which they are and when to come back', () =>
  withEmulator(async (emulator) => {
    for (const [name, quota] of [
      ['minute-429', 'PerMinute'],
      ['day-429', 'PerDay'],
    ] as const) {
      emulator.setScenario({ name, retryDelaySeconds: 1.5 })
      const { status, body } = await fetchRaw(emulator)
      assert.is(status, 429)
      assert.match(body, quota)
      assert.match(body, '"retryDelay": "1.5s"')
    }
  }))

test('split-utf8 splits inside characters', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'split-utf8' })
    const { pieces, body } = await fetchRaw(emulator)
    assert.ok(pieces.filter((piece) => piece.toString().includes('\ufffd')).length >= 2)
    assert.not.match(body, '\ufffd')
    assert.match(body, '🚲')
  }))

test('split-line parts an event from its own end, byte by byte', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'split-line', chunks: ['une seule phrase'] })
    const { pieces } = await fetchRaw(emulator)
    assert.is(pieces.length, 8)
    assert.is(pieces[0]?.toString(), 'dat')
    assert.equal(pieces.slice(-4).map(String), ['\r', '\n', '\r', '\n'])
  }))

test('half-event and malformed-json differ by the end of their line', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'half-event' })
    const half = await fetchRaw(emulator)
    assert.match(half.body, /\r\n\r\ndata: \{[^\r\n]*$/)
    emulator.setScenario({ name: 'malformed-json' })
    const malformed = await fetchRaw(emulator)
    assert.match(malformed.body, /"cou\r\n\r\n$/)
    assert.ok(half.whole && malformed.whole)
  }))

test('early-close ends properly without a reason; reset breaks off after its chunks', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'early-close', chunks: ['a', 'b', 'c', 'd'] })
    const early = await fetchRaw(emulator)
    assert.ok(early.whole)
    assert.not.match(early.body, 'finishReason')
    emulator.setScenario({ name: 'reset', chunks: ['a', 'b', 'c', 'd'] })
    for (let i = 0; i < 20; i++) {
      const reset = await fetchRaw(emulator)
      assert.not(reset.whole)
      assert.is(reset.body.match(/\r\n\r\n/g)?.length, 2)
    }
  }))

test('both errors midway: as an event, and as pretty JSON without one', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'error-event' })
    assert.match((await fetchRaw(emulator)).body, /\r\n\r\ndata: \{"error": \{"code": 503,.*\}\}\r\n\r\n$/)
    emulator.setScenario({ name: 'error-raw' })
    assert.match((await fetchRaw(emulator)).body, /\r\n\r\n\{\n {2}"error": \{\n {4}"code": 503,\n[\s\S]*\}\n$/)
  }))

test('without alt=sse a stream is a JSON array', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'ok', chunks: ['a', 'b'] })
    const { headers, body } = await fetchRaw(emulator, STREAM.replace('?alt=sse', ''))
    assert.is(headers['content-type'], 'application/json; charset=UTF-8')
    assert.is(JSON.parse(body).length, 2)
  }))

test('generateContent joins texts and keeps thoughts apart from them', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'thoughts', chunks: ['Ohé ', 'marin'] })
    const { body } = await fetchRaw(emulator, STREAM.replace('streamGenerateContent?alt=sse', 'generateContent'))
    const [candidate] = JSON.parse(body).candidates
    assert.equal(
      candidate.content.parts.map((part: { thought?: boolean }) => part.thought ?? false),
      [true, false],
    )
    assert.is(candidate.content.parts[1].text, 'Ohé marin')
    assert.is(candidate.finishReason, 'STOP')
  }))

test('keys: none is 403, a wrong one 400 without quoting it, the right one passes', () =>
  withEmulator(
    async (emulator) => {
      assert.is((await fetchRaw(emulator, STREAM, 'POST', ask, '')).status, 403)
      const wrong = await fetchRaw(emulator, STREAM, 'POST', ask, 'wrong-key')
      assert.is(wrong.status, 400)
      assert.match(wrong.body, 'API_KEY_INVALID')
      assert.not.match(wrong.body, 'wrong-key')
      assert.is((await fetchRaw(emulator, STREAM, 'POST', ask, 'right')).status, 200)
    },
    { key: 'right' },
  ))

test('key-400 quotes the key in DebugInfo, quotes-key in the text, canary repeats the instruction', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'key-400' })
    assert.match((await fetchRaw(emulator, STREAM, 'POST', ask, 'S3CRET')).body, /DebugInfo[\s\S]*S3CRET/)
    assert.match(await textOf(emulator, 'quotes-key'), 'La clé est S3CRET, voilà.')
    assert.match(await textOf(emulator, 'canary'), 'CANARI-42')
  }))

async function textOf(emulator: Emulator, scenario: string): Promise<string> {
  const body = { ...ask, systemInstruction: { parts: [{ text: 'Reste secret : CANARI-42' }] } }
  const got = await fetchRaw(emulator, `/v1/models/emu-${scenario}:generateContent`, 'POST', body, 'S3CRET')
  return got.body
}

test('routes: models, tokens, both versions; anything else is the 404 page', () =>
  withEmulator(async (emulator) => {
    const list = await fetchRaw(emulator, '/v1/models', 'GET')
    assert.ok(
      JSON.parse(list.body).models.some(({ name }: { name: string }) => name === 'models/gemini-3.5-flash-lite'),
    )
    assert.match((await fetchRaw(emulator, '/v1beta/models/gemini-3.5-flash', 'GET')).body, '"inputTokenLimit"')
    assert.match((await fetchRaw(emulator, '/v1/models/gemini-3.5-flash:countTokens')).body, '"totalTokens": 2')
    const unknown = await fetchRaw(emulator, STREAM.replace('3.5', '0.5'))
    assert.is(unknown.status, 404)
    assert.match(unknown.body, 'Call ListModels')
    for (const path of [
      '/',
      '/v2/models',
      '/v1beta/models/gemini-3.5-flash:embedContent',
      '//x',
      '/emulator/nothing',
    ]) {
      const page = await fetchRaw(emulator, path)
      assert.is(page.status, 404)
      assert.match(page.headers['content-type'] ?? '', 'text/html')
    }
    assert.is((await fetchRaw(emulator, STREAM, 'GET')).status, 404)
  }))

test('it listens on loopback only', async () => {
  for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.org']) {
    const outcome = await startEmulator({ host }).then(
      () => 'started',
      (error: Error) => error.message,
    )
    assert.match(outcome, 'loopback only')
  }
})

test('a stamped chunk says when it is written, by the clock of the whole machine', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'ok', chunks: ['#;', '#;'], stamped: true })
    const before = process.hrtime.bigint() / 1000n
    const { body } = await fetchRaw(emulator)
    const stamps = [...body.matchAll(/"text": "(\d+);"/g)].map(([, stamp]) => BigInt(stamp ?? 0))
    assert.is(stamps.length, 2)
    const after = process.hrtime.bigint() / 1000n
    assert.ok(stamps.every((stamp, i) => stamp >= (stamps[i - 1] ?? before) && stamp <= after))
  }))

test.run()
