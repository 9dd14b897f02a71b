import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type WebSocket, WebSocketServer } from 'ws'
import { mismatch } from './match.ts'
import { type Played, play } from './player.ts'
import { record } from './record.ts'
import { parseScript } from './script.ts'
import { conditionOf, fill, parseValue, wordsOf } from './words.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const NO_VARIABLES = new Map<string, unknown>()

/** A server that answers each frame's text with the frames that `replies` has for its type. */
async function withServer<T>(replies: Record<string, object[]>, use: (url: string) => Promise<T>): Promise<T> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  server.on('connection', (ws: WebSocket) => {
    ws.on('message', (data) => {
      const message: unknown = JSON.parse(String(data))
      const type = typeof message === 'object' && message !== null ? Reflect.get(message, 'type') : undefined
      for (const reply of replies[String(type)] ?? []) ws.send(JSON.stringify(reply))
    })
  })
  const address = server.address()
  try {
    return await use(`ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/ws`)
  } finally {
    for (const client of server.clients) client.terminate()
    await new Promise((resolve) => server.close(resolve))
  }
}

const forgotten = { type: 'forgotten' }
const start = { type: 'start', id: 'q1', question: 'Ohé', source: 'demo', remaining: 3 }
const delta = (offset: number, text: string) => ({ type: 'delta', id: 'q1', offset, text })
const done = (length: number) => ({ type: 'done', id: 'q1', reason: 'complete', length })

async function playText(text: string, replies: Record<string, object[]>): Promise<Played> {
  const parsed = parseScript(text)
  if (!parsed.ok) return assert.unreachable(parsed.errors.join('\n')) ?? { ok: true }
  return withServer(replies, (url) => play(parsed.script, { url, timeoutMs: 300, say() {} }))
}

const asked =
  '> ask q1 "Ohé"\n< start q1 "Ohé"\n< delta* q1 "Bon vent" offset=0\n< done q1 complete length=8\n< nothing'

test('a session that goes as written passes', async () => {
  const answer = [start, delta(0, 'Bon'), delta(3, ' vent'), done(8)]
  assert.equal(await playText(asked, { ask: answer }), { ok: true })
})

type Difference = { title: string; answer: object[]; number: number; got: RegExp }
const differences: Difference[] = [
  {
    title: 'a gap between deltas',
    answer: [start, delta(0, 'Bon'), delta(4, 'vent')],
    number: 3,
    got: /offset 4, wanted 3/,
  },
  { title: 'a doubled delta', answer: [start, delta(0, 'Bon'), delta(0, 'Bon')], number: 3, got: /offset 0, wanted 3/ },
  {
    title: 'another text',
    answer: [start, delta(0, 'Bon vend'), done(8)],
    number: 3,
    got: /text is "Bon vend", wanted ="Bon vent"/,
  },
  {
    title: 'a wrong length',
    answer: [start, delta(0, 'Bon vent'), done(9)],
    number: 4,
    got: /says length 9, but 8 have come/,
  },
  { title: 'another message', answer: [start, forgotten], number: 3, got: /id is "", wanted =q1|text is "", wanted/ },
  { title: 'an end that never comes', answer: [start, delta(0, 'Bon vent')], number: 3, got: /nothing came in time/ },
  {
    title: 'a message too many',
    answer: [start, delta(0, 'Bon vent'), done(8), forgotten],
    number: 5,
    got: /< forgotten/,
  },
  {
    title: 'a message that is none',
    answer: [{ ...start, source: 'oracle' }],
    number: 2,
    got: /is no message of the protocol/,
  },
  { title: 'a delta before its start', answer: [delta(0, 'Bon')], number: 2, got: /came before its start/ },
]

for (const { title, answer, number, got } of differences) {
  test(`a session shows ${title}`, async () => {
    const played = await playText(asked, { ask: answer })
    if (played.ok) return assert.unreachable('no difference was found')
    assert.match(played.got, got)
    assert.is(played.number, number)
  })
}

test('what a message says can be saved and sent again', async () => {
  const script = '> forget\n< error code=busy\nsave retryAfterMs as WAIT\n> raw {"type":"$WAIT"}\n< forgotten'
  const busy = { type: 'error', code: 'busy', message: 'Patience', retryAfterMs: 42 }
  assert.equal(await playText(script, { forget: [busy], '42': [forgotten] }), { ok: true })
  const unsaved = await playText('> hello session=$S', {})
  assert.match(unsaved.ok ? '' : unsaved.got, /nothing was saved as S/)
})

test('a script with mistakes is refused with every line of them', () => {
  const parsed = parseScript('> hello\n> shout\n< welcome resumed\nneeds x=1\nwait long\n> ask q1 "open')
  const errors = parsed.ok ? [] : parsed.errors
  assert.equal(
    errors.map((error) => error.split(':')[0]),
    ['line 2', 'line 3', 'line 4', 'line 5', 'line 6'],
  )
})

test('a script tells its title, its needs and its patience', () => {
  const parsed = parseScript('# LIM1 title\nneeds A=1 B=x=y\ntimeout 12s\nb> hello # no comment')
  assert.not(parsed.ok)
  const good = parseScript('# LIM1 title\nneeds A=1 B=x=y\ntimeout 12s\nb> hello')
  assert.equal(good.ok && [good.script.title, good.script.needs, good.script.timeoutMs], [
    'LIM1 title',
    { A: '1', B: 'x=y' },
    12_000,
  ])
})

test('words keep quotes and brackets together', () => {
  assert.equal(wordsOf(String.raw`a "b \" c" d=["e f", {"g": 1}]  h`), [
    'a',
    String.raw`"b \" c"`,
    'd=["e f", {"g": 1}]',
    'h',
  ])
  assert.throws(() => wordsOf('a "b'))
  assert.throws(() => wordsOf('a]'))
})

test('values are texts, numbers, JSON, variables or repeated', () => {
  const variables = new Map<string, unknown>([['N', 7]])
  const filled = ['word', '"a\\u0000"', '"ab"*3', '12', '-1', 'true', '[1]', '$N', 'x$N', '3rd'].map((word) =>
    fill(parseValue(word), variables),
  )
  assert.equal(filled, ['word', 'a\u0000', 'ababab', 12, -1, true, [1], 7, 'x7', '3rd'])
})

test('conditions compare fields, lengths of lists, parts of texts and numbers', () => {
  const message = { a: { b: [1, 2] }, t: 'un vélo', n: 5 }
  const holds = (word: string) => mismatch([conditionOf(word)], message, NO_VARIABLES) === undefined
  const yes = ['a.b=2', 'a.b.0=1', 'a.b=[1,2]', 't~vélo', 't!=x', 'n>4', 'n>=5', 'n<6', 'n<=5', '!z', 'a.b!=3']
  const no = ['a.b=3', 't~bus', 't=un', 'n>5', 'n<5', '!n', 'z=1', 't>1', '__proto__=1']
  assert.equal(
    yes.filter((word) => !holds(word)),
    [],
  )
  assert.equal(no.filter(holds), [])
})

test('a recorded session can be played again', async () => {
  async function* typed() {
    yield '> ask q1 "Ohé"'
    yield '# a remark'
    yield 'nonsense'
  }
  const answer = [start, delta(0, 'Bon'), delta(3, ' vent'), done(8)]
  const said: string[] = []
  const text = await withServer({ ask: answer }, (url) =>
    record({ url, lines: typed(), say: (line) => said.push(line) }),
  )
  const lines = text
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('#'))
  assert.equal(lines, ['> ask q1 "Ohé"', '< start q1', '< delta* q1', '< done q1 complete'])
  assert.ok(said.some((line) => line.includes('a client sends')))
  assert.equal(await playText(text, { ask: answer }), { ok: true })
})

test('the command exits with 0, 1 at a difference, 2 when it could not begin', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sessions-'))
  const good = join(folder, 'good.session')
  const bad = join(folder, 'bad.session')
  await writeFile(good, '> forget\n< forgotten\n')
  await writeFile(bad, '> forget\n< done q1 complete\n')
  try {
    await withServer({ forget: [forgotten] }, async (url) => {
      const [passed, differs, missing] = await Promise.all([
        command(url, good),
        command(url, folder),
        command(url, `${folder}/no`),
      ])
      assert.is(passed.code, 0, passed.out)
      assert.is(differs.code, 1, differs.out)
      assert.match(differs.out, /DIFFERENCE at line 2\s+expected: < done q1 complete\s+got: +< forgotten/)
      assert.match(differs.out, /good\.session[\s\S]*as written/)
      assert.is(missing.code, 2, missing.out)
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

async function command(...args: string[]): Promise<{ code: number; out: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const out: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  const [code] = await once(child, 'close')
  return { code, out: Buffer.concat(out).toString() }
}

test('every line of the format that the README shows can be read', async () => {
  const readme = await readFile(new URL('README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/```session\n([\s\S]*?)```/g)].map(([, block = '']) => block)
  assert.ok(blocks.length > 2)
  assert.equal(
    blocks.flatMap((block) => {
      const parsed = parseScript(block)
      return parsed.ok ? [] : parsed.errors
    }),
    [],
  )
})

test.run()
