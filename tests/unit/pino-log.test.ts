import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Log, LogFields } from '../../server/log.ts'
import { pinoLog } from '../../server/ops/pino-log.ts'

const KEY = 'cle"canari\\0123456789</script>'
const ADMIN = `${KEY}-admin-part`
const TOKEN = `lm_${'Ab3_-'.repeat(8)}xyz`

/** Every byte that the log wrote. */
function written(use: (log: Log) => void, level = 'debug'): string {
  let bytes = ''
  const out = {
    write(line: string) {
      bytes += line
    },
  }
  use(pinoLog(level, [KEY, ADMIN], out))
  return bytes
}
const linesOf = (bytes: string): Record<string, unknown>[] =>
  bytes
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

function assertHidden(bytes: string): void {
  assert.not.match(bytes, 'canari')
  assert.not.match(bytes, 'admin-part')
  assert.not.match(bytes, 'Ab3_-')
  assert.match(bytes, '[hidden]')
  linesOf(bytes)
}

test('a line is JSON with its time, level, event and fields', () => {
  const [line] = linesOf(written((log) => log.child({ a: 1 }).warn('event', { b: true, c: undefined })))
  assert.is(line?.level, 40)
  assert.is(line?.event, 'event')
  assert.equal([line?.a, line?.b, line !== undefined && 'c' in line], [1, true, false])
  assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT.*Z$/)
})

test('a secret is in no byte, wherever it stands', () => {
  for (const secret of [KEY, ADMIN, TOKEN]) {
    const uses: ((log: Log) => void)[] = [
      (log) => log.info('x', { value: secret }),
      (log) => log.info('x', { value: `before ${secret}${secret} after` }),
      (log) => log.info('x', { [secret]: 1 }),
      (log) => log.info(secret),
      (log) => log.child({ secret }).error('x'),
      (log) =>
        log
          .child({ [secret]: 'x' })
          .child({ a: 1 })
          .warn('x'),
      (log) => log.info('x', { value: JSON.stringify({ headers: { key: secret } }) }),
      (log) => log.info('x', { value: JSON.stringify(JSON.stringify(secret)) }),
      (log) => log.info('x', { value: `?key=${encodeURIComponent(secret)}` }),
      (log) => log.info('x', { stack: new Error(`at ${secret}`).stack ?? '' }),
    ]
    for (const use of uses) assertHidden(written(use))
  }
})

test('fields that carry what the types forbid hide it too', () => {
  const nested = { error: new Error(`bad ${KEY}`), list: [{ deep: { token: TOKEN } }] }
  const untyped = Object.assign<LogFields, object>({}, nested)
  assertHidden(written((log) => log.error('x', untyped)))
})

test('short values are no secrets, so an empty setting hides nothing', () => {
  const lines: string[] = []
  pinoLog('info', ['', 'abc'], { write: (line) => void lines.push(line) }).info('abc', { x: 'y' })
  assert.match(lines.join(''), '"event":"abc"')
  assert.not.match(lines.join(''), 'hidden')
})

test('newlines, ANSI and bidi stay escaped inside one JSON line', () => {
  const nasty = 'a\r\n{"level":50}\u001b[31mred\u0007\u2028\u2029\u0085\u202Eevil\u2066x\u200F\u009b31m'
  const bytes = written((log) => log.info(nasty, { [nasty]: nasty }))
  assert.is(bytes.split('\n').length, 2)
  assert.not.match(bytes.trimEnd(), /[\p{Cc}\p{Cf}\u2028\u2029]/u)
  const [line] = linesOf(bytes)
  assert.is(line?.event, nasty)
  assert.is(line?.[nasty], nasty)
})

test('any text comes out of one line as it went in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const lines = linesOf(written((log) => log.info('x', { text })))
      assert.is(lines.length, 1)
      assert.is(lines[0]?.text, text)
    }),
  )
})

test('the level holds lines back', () => {
  const use = (log: Log) => {
    log.info('i')
    log.warn('w')
    log.error('e')
  }
  assert.equal(
    linesOf(written(use, 'warn')).map(({ event }) => event),
    ['w', 'e'],
  )
})

test.run()
