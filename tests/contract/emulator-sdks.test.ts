import { ApiError, GoogleGenAI } from '@google/genai'
import { GoogleGenerativeAI, GoogleGenerativeAIFetchError } from '@google/generative-ai'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Emulator, startEmulator } from '../../emulator/emulator.ts'
import type { ScenarioName } from '../../emulator/order.ts'

const KEY = 'AQ.emulated'
const system = 'Réponds en une phrase.'
const turns = [
  { role: 'user', parts: [{ text: 'Bonjour' }] },
  { role: 'model', parts: [{ text: 'Bonjour marin !' }] },
  { role: 'user', parts: [{ text: 'Une crevaison ?' }] },
]
/** What a caller sees of a streamed answer. */
type Seen = { texts: string[]; finish: string | undefined; prompt: number; total: number; error: string }
type Client = {
  name: string
  stream(model: string): Promise<Seen>
  whole(model: string): Promise<string>
  count(model: string): Promise<number>
  /** Status and message of a failing call. */
  failure(model: string): Promise<[number, string]>
}
type Chunk = {
  candidates?: { content?: { parts?: { text?: string; thought?: boolean }[] }; finishReason?: string }[]
  usageMetadata?: { promptTokenCount?: number; totalTokenCount?: number }
}

async function seen(chunks: AsyncIterable<Chunk>): Promise<Seen> {
  const all: Seen = { texts: [], finish: undefined, prompt: 0, total: 0, error: '' }
  try {
    for await (const { candidates, usageMetadata } of chunks) {
      const [candidate] = candidates ?? []
      const parts = candidate?.content?.parts?.filter((part) => part.thought !== true) ?? []
      all.texts.push(...parts.map((part) => part.text ?? ''))
      all.finish = candidate?.finishReason ?? all.finish
      all.prompt = usageMetadata?.promptTokenCount ?? all.prompt
      all.total = usageMetadata?.totalTokenCount ?? all.total
    }
  } catch (error) {
    all.error = String(error)
  }
  return all
}

const generationConfig = { maxOutputTokens: 200, temperature: 0.5 }

function oldClient({ url }: Emulator): Client {
  const of = (model: string) =>
    new GoogleGenerativeAI(KEY).getGenerativeModel(
      { model, systemInstruction: system, generationConfig },
      { baseUrl: url },
    )
  return {
    name: '@google/generative-ai',
    async stream(model) {
      const { stream, response } = await of(model).generateContentStream({ contents: turns })
      response.catch(() => {})
      return seen(stream)
    },
    whole: async (model) => (await of(model).generateContent({ contents: turns })).response.text(),
    count: async (model) => (await of(model).countTokens({ contents: turns })).totalTokens,
    async failure(model) {
      const error = await of(model)
        .generateContentStream({ contents: turns })
        .catch((failure: unknown) => failure)
      return error instanceof GoogleGenerativeAIFetchError ? [error.status ?? 0, error.message] : [0, String(error)]
    },
  }
}

function newClient({ url }: Emulator): Client {
  const { models } = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: url } })
  const config = { ...generationConfig, systemInstruction: system }
  return {
    name: '@google/genai',
    stream: async (model) => seen(await models.generateContentStream({ model, contents: turns, config })),
    whole: async (model) => (await models.generateContent({ model, contents: turns, config })).text ?? '',
    count: async (model) => (await models.countTokens({ model, contents: turns })).totalTokens ?? 0,
    async failure(model) {
      const error = await models
        .generateContentStream({ model, contents: turns, config })
        .catch((failure: unknown) => failure)
      return error instanceof ApiError ? [error.status, error.message] : [0, String(error)]
    },
  }
}

async function withClients(use: (client: Client, emulator: Emulator) => Promise<void>): Promise<void> {
  const emulator = await startEmulator()
  try {
    for (const client of [oldClient(emulator), newClient(emulator)]) await use(client, emulator)
  } finally {
    await emulator.close()
  }
}

test('both SDKs read the texts, the end and the usage of a stream', () =>
  withClients(async (client, emulator) => {
    emulator.setScenario({ name: 'ok', chunks: ['Ohé ', '<marin> ', 'à bord 🌊'] })
    const got = await client.stream('gemini-3.5-flash-lite')
    assert.equal(got.texts, ['Ohé ', '<marin> ', 'à bord 🌊'], client.name)
    assert.is(got.finish, 'STOP')
    const line = emulator.ledger().entries.at(-1)
    assert.is(got.prompt, line?.promptTokens)
    assert.is(got.total, (line?.promptTokens ?? 0) + (line?.outputTokens ?? 0))
    assert.match(line?.body ?? '', system)
  }))

test('both SDKs read a whole answer and a count', () =>
  withClients(async (client, emulator) => {
    emulator.setScenario({ name: 'ok', chunks: ['Ohé ', 'marin'] })
    assert.is(await client.whole('gemini-3.5-flash-lite'), 'Ohé marin', client.name)
    assert.ok((await client.count('gemini-3.5-flash-lite')) > 5)
  }))

const finishes: [ScenarioName, string][] = [
  ['ok', 'STOP'],
  ['thoughts', 'STOP'],
  ['two-parts', 'STOP'],
  ['split-utf8', 'STOP'],
  ['max-tokens', 'MAX_TOKENS'],
  ['max-tokens-empty', 'MAX_TOKENS'],
  ['safety-start', 'SAFETY'],
  ['safety-midway', 'SAFETY'],
  ['prohibited', 'PROHIBITED_CONTENT'],
  ['spii', 'SPII'],
  ['blocklist', 'BLOCKLIST'],
  ['recitation', 'RECITATION'],
  ['language', 'LANGUAGE'],
  ['unknown-finish', 'FINISH_REASON_OF_TOMORROW'],
]
for (const [name, reason] of finishes) {
  test(`both SDKs see ${name} end with ${reason}`, () =>
    withClients(async (client, emulator) => {
      emulator.setScenario({ name, text: 'Une réponse sur les vélos électriques, 🚲 comprise.' })
      const got = await client.stream('gemini-3.5-flash-lite')
      assert.is(got.error, '', client.name)
      assert.is(got.finish, reason, client.name)
      assert.not.match(got.texts.join(''), '\ufffd')
      const silent = name === 'safety-start' || name === 'max-tokens-empty'
      assert.is(got.texts.join('') === '', silent, client.name)
    }))
}

test('both SDKs see a blocked prompt, an empty list and usage alone as streams without text', () =>
  withClients(async (client) => {
    for (const name of ['prompt-blocked', 'empty-candidates', 'usage-only']) {
      const got = await client.stream(`emu-${name}`)
      assert.equal([got.texts, got.finish, got.error], [[], undefined, ''], `${client.name} ${name}`)
    }
  }))

test('both SDKs fail in a stream that breaks, and end early in one that closes', () =>
  withClients(async (client, emulator) => {
    for (const name of ['reset', 'malformed-json', 'error-raw'] as const) {
      emulator.setScenario({ name, chunks: ['un', 'deux'] })
      const got = await client.stream('gemini-3.5-flash-lite')
      assert.is.not(got.error, '', `${client.name} ${name}`)
    }
    emulator.setScenario({ name: 'early-close', chunks: ['un', 'deux'] })
    const early = await client.stream('gemini-3.5-flash-lite')
    assert.equal([early.texts, early.finish, early.error], [['un'], undefined, ''], client.name)
  }))

const failures: [ScenarioName, number, RegExp][] = [
  ['invalid-400', 400, /invalid argument/],
  ['key-400', 400, /API_KEY_INVALID.*AQ\.emulated|API key not valid/s],
  ['location-400', 400, /location/],
  ['unauthorized-401', 401, /invalid authentication/],
  ['forbidden-403', 403, /Permission denied/],
  ['not-found-404', 404, /is not found for API version/],
  ['minute-429', 429, /PerMinute.*15s/s],
  ['day-429', 429, /PerDay/],
  ['error-500', 500, /internal error/],
  ['html-502', 502, /502|Bad Gateway/],
  ['unavailable-503', 503, /overloaded/],
]
for (const [name, status, words] of failures) {
  test(`both SDKs read ${name}`, () =>
    withClients(async (client) => {
      const [got, message] = await client.failure(`emu-${name}`)
      assert.is(got, status, client.name)
      assert.match(message, words)
    }))
}

test.run()
