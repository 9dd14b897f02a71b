import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Emulator, type EmulatorOptions, type LedgerEntry, startEmulator } from '../../emulator/emulator.ts'
import type { ScenarioOrder } from '../../emulator/order.ts'
import { manualClock } from '../helpers/manual-clock.ts'

const question = 'Bonjour, combien coûte un vélo ?'
const chunks = ['un vélo ', 'coûte ', '300 €', ' ici']
const OUTPUT = 7 // 27 bytes

function post(
  emulator: Emulator,
  maxOutputTokens = 800,
  signal: AbortSignal | null = null,
  model = 'gemini-3.5-flash-lite',
) {
  return fetch(`${emulator.url}/v1beta/models/${model}:streamGenerateContent?alt=sse`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'x-goog-api-key': 'S3CRET', 'content-type': 'application/json' },
    body: JSON.stringify({
      contents: [{ role: 'user', parts: [{ text: question }] }],
      generationConfig: { maxOutputTokens },
    }),
    signal,
  })
}

async function withEmulator(use: (emulator: Emulator) => Promise<void>, options: EmulatorOptions = {}): Promise<void> {
  const emulator = await startEmulator(options)
  try {
    await use(emulator)
  } finally {
    await emulator.close()
  }
}

/** The ledger's line for one request made under `order`, when it is closed. */
async function lineOf(emulator: Emulator, order: ScenarioOrder, maxOutputTokens?: number): Promise<LedgerEntry> {
  const before = emulator.ledger().requests
  emulator.setScenario(order)
  const answer = await post(emulator, maxOutputTokens)
  await answer.text().catch(() => '')
  const report = await emulator.changed(({ requests, open }) => requests === before + 1 && open === 0)
  const line = report.entries.at(-1)
  if (line === undefined) throw new Error('no line')
  return line
}

test('a whole answer is billed as its last usage says', () =>
  withEmulator(async (emulator) => {
    const line = await lineOf(emulator, { name: 'ok', chunks })
    assert.is(line.promptTokens, Math.ceil(Buffer.byteLength(question) / 4))
    assert.is(line.outputTokens, OUTPUT)
    assert.is(line.maxOutputTokens, 800)
    assert.is(line.chunks, 4)
    assert.is(line.closedBy, 'served')
    assert.is(emulator.ledger().outputTokens, OUTPUT)
  }))

test('an aborted answer is billed whole', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'ok', chunks, gated: true })
    const leaving = new AbortController()
    const answer = await post(emulator, 800, leaving.signal)
    emulator.release(1)
    await emulator.changed(({ entries }) => entries[0]?.chunks === 1)
    leaving.abort()
    await answer.text().catch(() => '')
    const { entries } = await emulator.changed(({ open }) => open === 0)
    assert.is(entries[0]?.closedBy, 'client')
    assert.is(entries[0]?.chunks, 1)
    assert.is(entries[0]?.outputTokens, OUTPUT)
    // The fence: whatever the first answer still had to write would be counted by now.
    emulator.release(9)
    await (await post(emulator)).text()
    assert.is(emulator.ledger().entries[0]?.chunks, 1)
  }))

test('a huge event is whole, and costs no more than the cap', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'huge-event', size: 600_000 })
    const body = await (await post(emulator, 40)).text()
    assert.ok(body.length > 500_000)
    assert.is(body.split('\r\n\r\n').length, 2)
    assert.is(emulator.ledger().outputTokens, 40)
  }))

test('a 500, a 502 and a reset are billed; complete refusals and a redirect are not', () =>
  withEmulator(async (emulator) => {
    for (const name of ['error-500', 'html-502', 'reset'] as const)
      assert.is((await lineOf(emulator, { name, chunks })).outputTokens, OUTPUT, name)
    const free = ['invalid-400', 'key-400', 'location-400', 'unauthorized-401', 'forbidden-403', 'not-found-404']
    for (const name of [...free, 'minute-429', 'day-429', 'unavailable-503', 'redirect'] as ScenarioOrder['name'][]) {
      const line = await lineOf(emulator, { name, chunks })
      assert.is(line.promptTokens + line.outputTokens, 0, name)
    }
  }))

test('maxOutputTokens cuts an answer and its bill, thoughts included', () =>
  withEmulator(async (emulator) => {
    const cut = await lineOf(emulator, { name: 'ok', chunks }, 3)
    assert.is(cut.outputTokens, 3)
    assert.is(cut.chunks, 2)
    for (const name of ['thoughts', 'max-tokens', 'max-tokens-empty', 'huge-event', 'long'] as const)
      assert.is((await lineOf(emulator, { name, text: 'a'.repeat(400) }, 40)).outputTokens, 40, name)
  }))

test('overrun is billed beyond the cap and says so', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'overrun' })
    const body = await (await post(emulator, 50)).text()
    const [line] = emulator.ledger().entries
    assert.ok((line?.outputTokens ?? 0) > 50)
    assert.match(body, `"candidatesTokenCount": ${line?.outputTokens}`)
  }))

test('dear text: one token per byte is the dearest', () =>
  withEmulator(async (emulator) => {
    const line = await lineOf(emulator, { name: 'ok', chunks, bytesPerToken: 1 })
    assert.is(line.promptTokens, Buffer.byteLength(question))
    assert.is(line.outputTokens, 27)
  }))

test('the ledger keeps what was received and never the key', () =>
  withEmulator(async (emulator) => {
    const line = await lineOf(emulator, { name: 'quotes-key' })
    assert.match(line.body ?? '', question)
    assert.ok(line.headers.includes('x-goog-api-key'))
    assert.not.match(JSON.stringify(emulator.ledger()), 'S3CRET')
  }))

test('bodies are kept for the latest 200 requests, totals for all', () =>
  withEmulator(async (emulator) => {
    for (let i = 0; i < 203; i++) await (await post(emulator, 1)).text()
    const { requests, entries } = emulator.ledger()
    assert.is(requests, 203)
    assert.is(entries.filter(({ body }) => body !== undefined).length, 200)
    emulator.resetLedger()
    assert.is(emulator.ledger().requests, 0)
  }))

test('times: an order ends by itself; a model of its own leaves it alone', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'unavailable-503', times: 2 })
    const statuses: number[] = []
    for (const model of ['gemini-3.5-flash', 'emu-error-500', 'gemini-3.5-flash', 'gemini-3.5-flash']) {
      const answer = await post(emulator, 800, null, model)
      statuses.push(answer.status)
      await answer.text()
    }
    assert.equal(statuses, [503, 500, 503, 200])
  }))

test('gates: headers at once, then a chunk for a release, in the order they were asked for', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'ok', chunks, gated: true })
    const answers = await Promise.all([post(emulator), post(emulator)])
    assert.equal(
      emulator.ledger().entries.map((entry) => entry.chunks),
      [0, 0],
    )
    emulator.release(3)
    await emulator.changed(({ entries }) => entries.reduce((sum, entry) => sum + entry.chunks, 0) === 3)
    assert.equal(
      emulator.ledger().entries.map((entry) => entry.chunks),
      [2, 1],
    )
    emulator.release(5)
    for (const answer of answers) assert.match(await answer.text(), 'STOP')
  }))

test('pacing: the first chunk after about a second, then 250 tokens a second', async () => {
  const clock = manualClock()
  await withEmulator(
    async (emulator) => {
      emulator.setScenario({ name: 'ok', chunks: ['a'.repeat(4), 'b'.repeat(500)] })
      const answer = await post(emulator)
      await clock.waiting(1)
      clock.advance(999)
      assert.is(clock.pending(), 1)
      clock.advance(1)
      await emulator.changed(({ entries }) => entries[0]?.chunks === 1)
      await clock.waiting(1)
      clock.advance(499)
      assert.is(emulator.ledger().entries[0]?.chunks, 1)
      clock.advance(1)
      assert.match(await answer.text(), 'bbb')
      assert.is(clock.pending(), 0)
    },
    // cos(2π · 0.25) = 0: the median.
    { clock, speed: 1, random: { float: () => 0.25, token: () => 'id' } },
  )
})

test('slow-first-chunk waits for its delay or for a release; perChunkMs paces at any speed', async () => {
  const clock = manualClock()
  await withEmulator(
    async (emulator) => {
      emulator.setScenario({ name: 'slow-first-chunk', delayMs: 5000, chunks: ['a'] })
      const [slow, released] = [await post(emulator), await post(emulator)]
      await clock.waiting(2)
      emulator.release(1)
      assert.match(await slow.text(), 'STOP')
      assert.is(clock.pending(), 1)
      clock.advance(5000)
      assert.match(await released.text(), 'STOP')
      emulator.setScenario({ name: 'ok', perChunkMs: 40, chunks: ['a', 'b'] })
      const steady = await post(emulator)
      for (const _ of 'ab') {
        await clock.waiting(1)
        clock.advance(40)
      }
      assert.match(await steady.text(), 'STOP')
    },
    { clock },
  )
})

test('a client that leaves takes its timer along; closing ends every stream and every wait', async () => {
  const clock = manualClock()
  const emulator = await startEmulator({ clock })
  emulator.setScenario({ name: 'ok', perChunkMs: 40, chunks })
  const leaving = new AbortController()
  await post(emulator, 800, leaving.signal)
  await clock.waiting(1)
  leaving.abort()
  await emulator.changed(({ open }) => open === 0)
  assert.is(clock.pending(), 0)
  const silent = post(emulator, 800, null, 'emu-no-headers').catch(() => 'broken')
  const stalled = await post(emulator, 800, null, 'emu-stall')
  const never = emulator.changed(({ requests }) => requests === 1000).catch(() => 'closed')
  await emulator.changed(({ open }) => open === 2)
  await emulator.close()
  assert.is(await silent, 'broken')
  assert.is(await stalled.text().catch(() => 'broken'), 'broken')
  assert.is(await never, 'closed')
})

test('a redirect followed is noticed', () =>
  withEmulator(async (emulator) => {
    emulator.setScenario({ name: 'redirect' })
    const answer = await post(emulator)
    assert.is(answer.status, 302)
    await (await fetch(answer.headers.get('location') ?? '')).text()
    assert.is(emulator.ledger().redirected, 1)
  }))

test.run()
