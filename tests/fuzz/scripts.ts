import { readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { readBudgetFlags } from '../../server/ops/budget-flags.ts'
import { readLogFlags } from '../../server/ops/log-flags.ts'
import { type LogLine, levels, parseLine } from '../../server/ops/log-lines.ts'
import { logText } from '../../server/ops/log-text.ts'
import { readReportFlags } from '../../server/ops/report-flags.ts'
import { parseScript, parseStep } from '../sessions/script.ts'
import { type Target, target } from './target.ts'
import { edited, made } from './texts.ts'

const dir = new URL('../sessions/', import.meta.url)
const scripts = readdirSync(dir)
  .filter((name) => name.endsWith('.session'))
  .map((name) => readFileSync(new URL(name, dir), 'utf8'))
const TOKENS = [
  '> ',
  '< ',
  'b> ',
  'ask q1 "x"',
  'repeat 3 ',
  'repeat 99999 ',
  'wait 5ms',
  'save x as Y',
  'drop',
  'socket b origin=',
  'emulator scenario ok',
  'needs A=1',
  'timeout 1s',
  'raw {',
  'bytes 00ff',
  '"a"*3',
  '"',
  '\\',
  '[',
  ']',
  '{}',
  '=',
  '!=',
  '~',
  '!x',
  '$S',
  '\n',
  '\r\n',
  '# ',
  ' ',
]
const script = fc.oneof(
  { weight: 3, arbitrary: edited(fc.constantFrom(...scripts), TOKENS) },
  { weight: 1, arbitrary: made(TOKENS, 12) },
)

/** Steps are the lines that say something; each is read alone as in its file, and a wrong one is named. */
function assertScript(text: string): void {
  const parsed = parseScript(text)
  const lines = text.split(/\r?\n/)
  if (!parsed.ok) {
    for (const error of parsed.errors) {
      const number = Number(/^line (\d+): /.exec(error)?.[1])
      assert.ok(error.startsWith(`line ${number}: ${lines[number - 1]?.trim()}\n  `), error)
    }
    return
  }
  const said = lines.map((line) => line.trim()).filter((line) => !/^(#|needs |timeout |$)/.test(line))
  assert.equal(
    parsed.script.steps.map((step) => step.text),
    said,
  )
  for (const step of parsed.script.steps) assert.equal(parseStep(step.text, step.number), step)
}

const NOW = Date.UTC(2026, 10, 24)
const FLAGS = {
  budget: ['--svg', '--json', '--raise', '--raise', '--resume', '--init'],
  report: ['--day', '--day', '--out', '--text'],
  logs: ['--level', '--event', '--since', '--since', '--question', '--connection'],
}
const anyFlag = fc.constantFrom(...FLAGS.budget, ...FLAGS.report, ...FLAGS.logs, '--help', '-h', '--')
const value = fc.oneof(
  fc.constantFrom(
    '0.50',
    '0',
    '-1',
    '1e3',
    '100001',
    '2026-11-24',
    '2026-02-30',
    '2h',
    '90s',
    '999999d',
    '2026-01-31T14:00',
    '2026-99-99',
    'warn',
    'loud',
    'day.svg',
    '',
  ),
  fc.string({ maxLength: 6 }),
)
const amount = fc.double({ min: 0, max: 120_000, noNaN: true }).map((n) => n.toFixed(9))
/** Flags of one command with a value each, or anything. */
const argsOf = (flags: readonly string[]) =>
  fc
    .array(fc.tuple(fc.constantFrom(...flags), fc.oneof(value, amount)), { maxLength: 3 })
    .map((pairs) => pairs.map(([name, text]) => (SWITCHES.test(name) ? name : `${name}=${text}`)))
const SWITCHES = /^--(json|resume|init|text)$/
const args = fc.oneof(...Object.values(FLAGS).map(argsOf), fc.array(fc.oneof(anyFlag, value), { maxLength: 5 }))

/** What is taken and written down again as arguments is taken as itself; a mistake is a sentence. */
function assertFlags(args: string[]): void {
  const budget = readBudgetFlags(args)
  assertKind(budget)
  if (budget.kind === 'run') {
    const { svg, json, raiseNano, resume, init } = budget
    if (raiseNano !== undefined) assert.ok(Number.isSafeInteger(raiseNano) && raiseNano > 0 && raiseNano <= 1e14)
    const on = [json && '--json', resume && '--resume', init && '--init'].filter((one) => one !== false)
    const raise = raiseNano === undefined ? [] : [`--raise=${(raiseNano / 1e9).toFixed(9)}`]
    assert.equal(readBudgetFlags([...on, ...raise, ...(svg === undefined ? [] : [`--svg=${svg}`])]), budget)
  }
  const report = readReportFlags(args)
  assertKind(report)
  if (report.kind === 'run') {
    const { day, out, text } = report
    const given = [...(day === undefined ? [] : [`--day=${day}`]), ...(out === undefined ? [] : [`--out=${out}`])]
    assert.equal(readReportFlags([...given, ...(text ? ['--text'] : [])]), report)
  }
  const logs = readLogFlags(args, NOW)
  assertKind(logs)
  if (logs.kind !== 'run') return
  const { level, events, since, question, connection } = logs.filter
  const name = Object.entries(levels).find(([, number]) => number === level)?.[0]
  if (since !== undefined) assert.ok(!Number.isNaN(since))
  const given = [...events].map((event) => `--event=${event}`)
  if (question !== undefined) given.push(`--question=${question}`)
  if (connection !== undefined) given.push(`--connection=${connection}`)
  const again = readLogFlags([`--level=${name}`, ...given, '--', ...logs.files], NOW)
  assert.equal(again, { ...logs, filter: { ...logs.filter, since: undefined } })
}

function assertKind(flags: { kind: string; mistakes?: readonly string[] }): void {
  assert.ok(['help', 'wrong', 'run'].includes(flags.kind))
  if (flags.kind === 'wrong') assert.ok(flags.mistakes?.every((mistake) => mistake.length > 5) ?? false)
}

const field = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.jsonValue({ maxDepth: 2 }))
const line = fc.record({
  time: fc.oneof(
    fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') }).map((date) => date.toISOString()),
    fc.constantFrom('', 'yesterday', 5),
  ),
  level: fc.oneof(fc.constantFrom<unknown>(20, 30, 40, 50, '30', null), fc.double()),
  event: fc.oneof(fc.string({ unit: 'binary' }), fc.constant(5)),
  fields: fc.dictionary(fc.string({ unit: 'binary', maxLength: 6 }), field, { maxKeys: 3 }),
})
const inWords = logText({ colour: false, timeZone: 'UTC' })

/** A line of ours comes out in one piece and steers no terminal. */
function assertLine({ time, level, event, fields }: { time: unknown; level: unknown; event: unknown; fields: object }) {
  const text = JSON.stringify({ ...fields, time, level, event })
  const line = parseLine(text)
  const whole = typeof time === 'string' && !Number.isNaN(Date.parse(time)) && typeof event === 'string'
  assert.is(line !== undefined, whole && Number.isFinite(level))
  if (!line) return
  assert.equal(parseLine(`0|le-mecano | ${text}`), line, 'behind the name that PM2 puts before it')
  assertShown(line)
}

function assertShown(line: LogLine): void {
  const shown = inWords(line)
  const [head = '', ...stack] = shown.split('\n')
  assert.not.match(head, /[\p{Cc}\p{Cf}\u2028\u2029]/u)
  for (const each of stack) assert.match(each, /^ {4}[^\p{Cc}\p{Cf}]*$/u)
}

export const scriptTargets: Target[] = [
  target(
    {
      name: 'script',
      title: 'every line of a session script is a step that is read alone as in its file, or is named',
      short: 300,
      weight: 0.3,
    },
    script,
    assertScript,
  ),
  target(
    {
      name: 'flags',
      title: 'flags of budget, report and logs are taken, and written down are taken again, or are told',
      short: 500,
      weight: 0.5,
    },
    args,
    assertFlags,
  ),
  target(
    {
      name: 'log-line',
      title: 'whatever a log line holds, it is read or none of ours, and steers no terminal',
      short: 300,
      weight: 0.5,
    },
    line,
    assertLine,
  ),
]
