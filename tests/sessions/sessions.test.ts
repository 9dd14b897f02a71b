import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Clock, systemClock } from '../../server/clock.ts'
import { startServer } from '../helpers/server.ts'
import { play } from './player.ts'
import { parseScript } from './script.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const PATIENCE_MS = 5000
const HASTE = 20

// A script that waits for the server's own patience gets a server that lives faster.
const hastyClock: Clock = {
  now: systemClock.now,
  monotonic: () => systemClock.monotonic() * HASTE,
  after: (ms, fn) => systemClock.after(ms / HASTE, fn),
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.session'))) {
  const parsed = parseScript(readFileSync(folder + file, 'utf8'))
  const title = parsed.ok ? parsed.script.title.replace(/^([A-Z]{3}\d+) /, '[$1] ') : 'can be read'
  test(`${title} (${file})`, async () => {
    if (!parsed.ok) return assert.unreachable(parsed.errors.join('\n'))
    const { needs, timeoutMs = 0 } = parsed.script
    const server = await startServer(needs, timeoutMs > PATIENCE_MS ? { clock: hastyClock } : {})
    const transcript: string[] = []
    try {
      const say = (line: string) => void transcript.push(line)
      const options = { url: server.ws, emulator: server.emulator.url, timeoutMs: PATIENCE_MS, say }
      const played = await play(parsed.script, options)
      if (!played.ok) assert.unreachable(differenceOf(file, played, transcript))
    } finally {
      await server.close()
    }
  })
}

function differenceOf(
  file: string,
  played: { number: number; expected: string; got: string },
  transcript: string[],
): string {
  const before = transcript.slice(-12).map((line) => `  ${line}`)
  return [`${file}:${played.number}`, ...before, `expected: ${played.expected}`, `got:      ${played.got}`].join('\n')
}

test.run()
