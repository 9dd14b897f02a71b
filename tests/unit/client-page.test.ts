import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { fr } from '../../client/locales/fr.ts'
import { Pace } from '../../client/pace.ts'
import { parseServerMessage } from '../../client/parse.ts'
import { socketUrl } from '../../client/socket.ts'
import { parseServerMessage as parseByTheServer } from '../../protocol/parse.ts'
import { delta, done, start, turn, welcome } from '../browser/messages.ts'
import { withBuiltClient } from '../helpers/built-client.ts'

const client = join(import.meta.dirname, '../../client')

test('script and style weigh 14 kB gzipped at most', () =>
  withBuiltClient(async (dir) => {
    const names = (await readdir(dir)).filter((name) => /^page-\w+\.(js|css)\.gz$/.test(name))
    assert.is(names.length, 2)
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).size))
    assert.ok(sizes.reduce((a, b) => a + b) <= 14_000, `${sizes.join(' + ')} B`)
  }))

test('the loader weighs 1.5 kB gzipped at most, its style included', async () => {
  const options = { outdir: client, bundle: true, minify: true, write: false, target: 'es2022' } as const
  const css = await build({ ...options, entryPoints: [join(client, 'embed.css')] })
  const define = { EMBED_CSS: JSON.stringify(css.outputFiles[0]?.text.trim()) }
  const { outputFiles } = await build({ ...options, entryPoints: [join(client, 'embed.ts')], format: 'iife', define })
  const sizes = outputFiles.map(({ contents }) => gzipSync(contents, { level: 9 }).length)
  assert.ok((sizes[0] ?? Infinity) <= 1500, `${sizes} B`)
})

test('the HTML says the same as the locale, and holds no inline script or style', async () => {
  const html = await readFile(join(client, 'index.html'), 'utf8')
  const words = new Map<string, unknown>(Object.entries(fr))
  const texts = [...html.matchAll(/data-t="(\w+)"[^>]*>([^<]*)</g)]
  const labels = [...html.matchAll(/data-t-label="(\w+)" aria-label="([^"]*)"/g)]
  assert.ok(texts.length > 8 && labels.length > 3)
  for (const [, key = '', text] of [...texts, ...labels]) assert.is(words.get(key), text, key)
  assert.not.match(html, /\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)|https?:\/\/(?!www\.w3\.org)/)
  // What the persona says is put in by the server.
  assert.not.match(html, /Mécano|Breizh|vélo/i)
  const filled = ['lang', 'langs', 'locale', 'title', 'name', 'shop', 'greeting', 'placeholder', 'notice', 'contact']
  for (const key of [...filled, 'noscript', 'reach']) assert.match(html, `{{${key}}}`)
})

test('French typography: no plain space before ? ! ; : or inside « »', () => {
  const told = Object.values(fr).map((word) => (typeof word === 'string' ? word : word.toString()))
  for (const text of told.filter((word) => !word.includes('=>')))
    assert.not.match(text, / [?!;:»]|« |[^\u202f\u00a0\s][?!]/)
})

const messages = [
  welcome({ resumed: true, demo: true, turns: [turn('a', 'q', 'r'), turn('b', 'q', '', { state: 'streaming' })] }),
  start('a', 'q'),
  delta('a', 3, 'x'),
  done('a', 4),
  { ...done('a', 4), usage: { promptTokens: 1, outputTokens: 2 } },
  { type: 'error', code: 'busy', message: 'x', id: 'a', retryAfterMs: 5, challenge: 'c' },
  { type: 'error', code: 'internal', message: 'x' },
  { type: 'forgotten' },
]

/** Every field of `part` is in `whole`, and the same there. */
const isWithin = (part: unknown, whole: unknown): boolean =>
  typeof part !== 'object' || part === null
    ? part === whole
    : typeof whole === 'object' &&
      whole !== null &&
      Object.entries(part).every(([key, value]) => isWithin(value, Reflect.get(whole, key)))

test('of every message the page reads what it uses, as it stands there', () => {
  for (const message of messages) {
    const frame = JSON.stringify({ ...message, later: 1 })
    assert.ok(parseByTheServer(frame).ok)
    const read = parseServerMessage(frame)
    assert.is(read?.type, message.type)
    assert.ok(isWithin(read, message), frame)
  }
})

const UNUSED = ['lang', 'remaining', 'usage']

test('a message with a field of a wrong type is none', () => {
  for (const message of messages) {
    for (const [key, value] of Object.entries(message)) {
      if (UNUSED.includes(key) || (message.type === 'error' && ['id', 'retryAfterMs', 'challenge'].includes(key)))
        continue
      const wrong = typeof value === 'object' ? 'text' : { not: 'this' }
      assert.is(parseServerMessage(JSON.stringify({ ...message, [key]: wrong })), undefined, `${message.type}.${key}`)
    }
  }
})

test('the socket goes to the page’s own host', () => {
  assert.is(socketUrl({ protocol: 'https:', host: 'a.fr' }), 'wss://a.fr/ws')
  assert.is(socketUrl({ protocol: 'http:', host: 'localhost:8080' }), 'ws://localhost:8080/ws')
})

test('lumps of 300 characters flow steadily and are never later than 400 ms', () => {
  const lumps = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 900 }), size: fc.integer({ min: 1, max: 300 }) }), {
    minLength: 1,
    maxLength: 12,
  })
  fc.assert(
    fc.property(lumps, (plan) => {
      const pace = new Pace()
      const arrivals: { at: number; length: number }[] = []
      let at = 0
      let length = 0
      for (const { gap, size } of plan) {
        at += gap
        length += size
        arrivals.push({ at, length })
      }
      let before = 0
      for (let now = 0, next = 0; now <= at + 400; now += 16) {
        while ((arrivals[next]?.at ?? Infinity) <= now) pace.grew(arrivals[next++]?.length ?? 0, now)
        const shown = pace.shown(now)
        assert.ok(shown >= before, 'never back')
        before = shown
        for (const due of arrivals) if (due.at + 400 <= now) assert.ok(shown >= due.length, `late at ${now}`)
      }
      assert.is(before, length)
    }),
  )
  const pace = new Pace()
  pace.grew(300, 0)
  const steps = [16, 32, 48, 64, 80, 96].map((now) => pace.shown(now))
  for (const [i, shown] of steps.entries())
    assert.ok(Math.abs(shown - (steps[i - 1] ?? 0) - 300 / (350 / 16)) < 2, `${steps}`)
})

test.run()
