import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { logsCommand } from '../../server/logs-command.ts'
import { pinoLog } from '../../server/ops/pino-log.ts'

const NOW = Date.UTC(2026, 0, 15, 10)
const lineOf = (fields: object) => JSON.stringify({ level: 30, time: '2026-01-15T09:59:00.123Z', pid: 7, ...fields })
const LINES = [
  lineOf({
    event: 'model_failed',
    level: 40,
    c: 'c1',
    id: 'q1',
    kind: 'unavailable',
    time: '2026-01-15T08:00:00.000Z',
  }),
  lineOf({ event: 'model_answered', c: 'c1', id: 'q1', ms: 51 }),
  lineOf({ event: 'question', id: 'q1', c: 'c1', outcome: 'complete' }),
  lineOf({ event: 'question', id: 'q2', c: 'c2', outcome: 'complete' }),
  lineOf({ event: 'connection', c: 'c1', code: 1000 }),
  lineOf({ event: 'uncaught_exception', level: 50, name: 'TypeError', stack: '    at a (b:1)\n    at c' }),
  'the last words of a process',
  '',
]

type Ran = { code: number; out: string; err: string }
async function run(args: string[], lines: readonly string[] = LINES, colour = false): Promise<Ran> {
  let [out, err] = ['', '']
  const code = await logsCommand({
    args,
    now: NOW,
    style: { colour, timeZone: 'Europe/Paris' },
    async *read() {
      yield* lines
    },
    async write(text) {
      out += text
      return true
    },
    complain(text) {
      err += text
    },
  })
  return { code, out, err }
}
const eventsOf = async (...args: string[]) =>
  (await run(args)).out.split('\n').flatMap((line) => /^\d{4}.{20}(?:info|warn|error) +(\w+)/.exec(line)?.[1] ?? [])

test('a line is local time, level, event and fields; a stack goes below', async () => {
  const { out, code } = await run([])
  assert.is(code, 0)
  const lines = out.split('\n')
  assert.is(lines[0], '2026-01-15 09:00:00.000 warn  model_failed       c=c1 id=q1 kind=unavailable')
  assert.is(lines[2], '2026-01-15 10:59:00.123 info  question           id=q1 c=c1 outcome=complete')
  assert.equal(lines.slice(5), [
    '2026-01-15 10:59:00.123 error uncaught_exception name=TypeError',
    '    at a (b:1)',
    '    at c',
    'the last words of a process',
    '',
  ])
})

test('each filter alone, and all together', async () => {
  assert.equal(await eventsOf('--level', 'warn'), ['model_failed', 'uncaught_exception'])
  assert.equal(await eventsOf('--event', 'connection', '--event', 'model_failed'), ['model_failed', 'connection'])
  assert.equal(await eventsOf('--question', 'q1'), ['model_failed', 'model_answered', 'question'])
  assert.equal(await eventsOf('--connection', 'c1'), ['model_failed', 'model_answered', 'question', 'connection'])
  assert.is((await eventsOf('--since', '90m')).length, 5)
  assert.is((await eventsOf('--since', '59s')).length, 0)
  assert.is((await eventsOf('--since', '2026-01-15T08:00:00Z')).length, 6)
  assert.equal(await eventsOf('--question', 'q1', '--since', '1h', '--event', 'question', '--level', 'info'), [
    'question',
  ])
})

test('words of others are shown only where nothing is looked for', async () => {
  assert.match((await run([])).out, 'the last words')
  for (const args of [
    ['--level', 'info'],
    ['--event', 'x'],
    ['--since', '1h'],
    ['--question', 'q'],
    ['--connection', 'c'],
  ])
    assert.not.match((await run(args)).out, 'the last words', args.join(' '))
})

test('the name that PM2 puts before a line does not hide it', async () => {
  const { out } = await run(
    ['--question', 'q2'],
    LINES.map((line) => `0|le-mecano  | ${line}`),
  )
  assert.match(out, /^2026.* question .*id=q2 .*\n$/)
})

test('every mistake is listed', async () => {
  const { code, err, out } = await run(['--level', 'loud', '--since', 'yesterday'])
  assert.is(code, 64)
  assert.is(out, '')
  assert.match(err, '--level: "loud" is none of debug, info, warn, error\n--since: "yesterday" is no time')
  assert.is((await run(['--unheard-of'])).code, 64)
  assert.match((await run(['--help'])).out, 'npm run logs')
})

test('colours are there when they are asked for, and nothing else steers the terminal', async () => {
  assert.match((await run([], LINES, true)).out, '\u001b[33mwarn \u001b[0m')
  const nasty = 'a\u001b[2J\u009b31m\u202Eevil\u2066\r\n\u0007'
  const { out } = await run(
    [],
    [lineOf({ event: nasty, [nasty]: nasty, stack: nasty, deep: { [nasty]: [nasty] } }), nasty],
  )
  assert.not.match(out.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
})

test('whatever is read, every line comes out and nothing steers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.json().map((json) => json),
        ),
      ),
      async (lines) => {
        const { code, out } = await run([], lines)
        assert.is(code, 0)
        assert.not.match(out.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
      },
    ),
    { numRuns: 50 },
  )
})

test('what the server writes is read again', async () => {
  const lines: string[] = []
  const log = pinoLog('info', [], { write: (line) => void lines.push(line.trimEnd()) })
  log.child({ c: 'abc', id: 'q9' }).warn('model_failed', { kind: 'network', status: undefined })
  const { out } = await run(['--question', 'q9', '--connection', 'abc', '--event', 'model_failed'], lines)
  assert.match(out, /warn {2}model_failed {7}c=abc id=q9 kind=network\n$/)
})

async function command(args: string[], input = ''): Promise<Ran> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/logs.ts', ...args], {
    env: { ...process.env, TZ: 'UTC' },
  })
  child.stdin.on('error', () => {}).end(input)
  const ended = once(child, 'close')
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await ended
  return { code, out, err }
}

test('the command reads files and what is piped in, and says which file it could not read', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-logs-'))
  const file = join(dir, 'out.log')
  await writeFile(file, `${LINES.join('\n')}\n`)
  const [read, piped, missing] = await Promise.all([
    command([file, file, '--question', 'q2']),
    command(['--question', 'q2'], LINES.join('\r\n')),
    command([join(dir, 'missing.log')]),
  ])
  assert.equal([read.code, read.out.split('\n').length], [0, 3])
  assert.is(piped.out, '2026-01-15 09:59:00.123 info  question           id=q2 c=c2 outcome=complete\n')
  assert.is(missing.code, 66)
  assert.match(missing.err, "missing.log: can't be read (ENOENT)")
  await rm(dir, { recursive: true })
})

test('whoever reads may leave', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/logs.ts'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const feed = `${lineOf({ event: 'x', pad: 'x'.repeat(1000) })}\n`.repeat(500)
  child.stdin.on('error', () => {})
  child.stdin.on('drain', () => child.stdin.write(feed))
  child.stdin.write(feed)
  await once(child.stdout, 'data')
  child.stdout.destroy()
  assert.equal(await once(child, 'close'), [0, null])
})

test.run()
