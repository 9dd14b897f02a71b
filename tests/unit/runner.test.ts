import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildPrograms } from '../helpers/runner-build.ts'
import { runFile } from '../helpers/runner-file.ts'
import { parseOptions } from '../helpers/runner-options.ts'
import { Tail } from '../helpers/runner-tail.ts'
import { type Verdict, verdictOf } from '../helpers/runner-verdict.ts'

const RUNNER = fileURLToPath(new URL('../run.ts', import.meta.url))
const TOOLS = JSON.stringify(fileURLToPath(new URL('../helpers/tools.ts', import.meta.url)))
const HEAD = `import { test, suite } from 'uvu'
import * as assert from 'uvu/assert'
import { requireTool } from ${TOOLS}
const wanted = () => requireTool({ name: 'Unobtainium', binaries: ['no-such-binary'], debianPackage: 'unobtainium' }, false)
`

/** Runs a test file of this text, in a folder of its own, and removes it again. */
async function verdictOn(text: string, { limitMs = 20_000, strict = false, trace = false } = {}): Promise<Verdict> {
  return inFolder({ 'it.test.ts': text }, async (folder) => {
    const file = join(folder, 'it.test.ts')
    const programs = await buildPrograms([file])
    const run = await runFile(file, programs, { limitMs, graceMs: 300, trace }).finally(programs.remove)
    return verdictOf(run, strict)
  })
}

async function inFolder<T>(files: Record<string, string>, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tests-of-'))
  try {
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), HEAD + text)
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const whys = ({ failed }: Verdict): string => failed.map(({ name, why }) => `${name}: ${why}`).join('\n')

type Case = {
  title: string
  text: string
  passed?: number
  failed?: number
  skipped?: number
  why: RegExp
  limitMs?: number
}
const cases: Case[] = [
  {
    title: 'a forgotten run',
    text: `test('lonely', () => assert.ok(true))`,
    why: /run\(\) was forgotten after: lonely/,
  },
  {
    title: 'a suite whose run is forgotten beside one that runs',
    text: `test('a', () => {}); test.run(); const other = suite('other'); other('b', () => {})`,
    passed: 1,
    why: /forgotten after: other: b/,
  },
  { title: 'a file without tests', text: 'test.run()', why: /it has no tests/ },
  {
    title: 'a server left open, by its address',
    text: `import { createServer } from 'node:net'
      test('opens', () => void createServer().listen(0, '127.0.0.1')); test.run()`,
    passed: 1,
    why: /did not end by itself[\s\S]*a server listening on .*127\.0\.0\.1/,
  },
  {
    title: 'a child process left running, by its command',
    text: `import { spawn } from 'node:child_process'
      test('spawns', () => void spawn('sleep', ['1000'])); test.run()`,
    passed: 1,
    why: /a child process, pid \d+: sleep 1000/,
  },
  {
    title: 'a file past its time limit, with the running test and what is open',
    text: `test('waits', () => new Promise(() => setInterval(() => {}, 1000))); test.run()`,
    limitMs: 2500,
    why: /passed its time limit, in "waits"[\s\S]*Timeout × 1/,
  },
  {
    title: 'a blocked event loop, with the running test',
    text: `test('spins', () => { for (;;); }); test.run()`,
    limitMs: 2500,
    why: /event loop was blocked before its tests were finished, in "spins"/,
  },
  {
    title: 'a rejection that nobody handles, with the running test',
    text: `test('careless', async () => {
        Promise.reject(new Error('dropped')); await new Promise(setImmediate) }); test.run()`,
    passed: 1,
    why: /careless: an error that nobody handled: Error: dropped/,
  },
  {
    title: 'a rejection after the last test',
    text: `test('careless', () => void Promise.reject(new Error('dropped late'))); test.run()`,
    passed: 1,
    why: /nobody handled: Error: dropped late/,
  },
  {
    title: 'an exception thrown from a callback',
    text: `test('careless', () => new Promise(() => setImmediate(() => { throw new Error('from nowhere') }))); test.run()`,
    why: /careless: an error that nobody handled: Error: from nowhere/,
  },
  {
    title: 'a failed assertion, with the difference and the line',
    text: `test('differs', () => assert.equal({ a: 1 }, { a: 2 })); test('is well', () => {}); test.run()`,
    passed: 1,
    why: /differs: [\s\S]*Actual[\s\S]*1[\s\S]*Expected[\s\S]*2[\s\S]*it\.test\.ts:\d+/,
  },
  {
    title: 'process.exit(0) in the middle',
    text: `test('leaves', () => process.exit(0)); test('unseen', () => {}); test.run()`,
    why: /ended before its tests were finished, in "leaves", with exit code 0/,
  },
  {
    title: 'an exit code set by a test',
    text: `test('sets it', () => { process.exitCode = 3 }); test.run()`,
    passed: 1,
    why: /ended with exit code 3 after its tests/,
  },
  { title: 'a hook', text: `test.before(() => {}); test('a', () => {}); test.run()`, why: /before hooks are refused/ },
  { title: 'a hook for each', text: `test.after.each(() => {}); test.run()`, why: /after hooks are refused/ },
  {
    title: 'two tests of one name',
    text: `test('same', () => {}); test('same', () => {}); test.run()`,
    passed: 2,
    why: /two tests have the name "same"/,
  },
  {
    title: 'a file that throws while it is loaded',
    text: `throw new Error('no such luck')`,
    why: /Error: no such luck/,
  },
  { title: 'a file that is no program', text: `const = 1`, why: /Expected identifier but found "="/ },
  {
    title: 'a file that imports what isn’t there',
    text: `import './nowhere.ts'`,
    why: /Could not resolve "\.\/nowhere\.ts"/,
  },
  {
    title: 'a file that never loads',
    text: `await new Promise(() => {})`,
    why: /ended while it was loaded, with exit code 13/,
  },
]

// Three at a time: most of each is a process that starts or waits.
let lanes = [0, 1, 2].map(() => Promise.resolve<unknown>(undefined))
const verdicts = cases.map(({ text, limitMs }, i) => {
  const verdict = (lanes[i % 3] ?? Promise.resolve()).then(() =>
    verdictOn(text, limitMs === undefined ? {} : { limitMs }),
  )
  lanes = lanes.with(i % 3, verdict)
  return verdict
})

for (const [i, { title, passed = 0, failed = 1, why }] of cases.entries()) {
  test(`the runner fails ${title}`, async () => {
    const verdict = await verdicts[i]
    assert.ok(verdict)
    assert.match(whys(verdict), why)
    assert.equal([verdict.passed, verdict.failed.length], [passed, failed], whys(verdict))
  })
}

test('the runner passes what is well, and is silent about it', async () => {
  const verdict = await verdictOn(`test('fine', () => assert.ok(true)); test.run()`)
  assert.equal([verdict.passed, verdict.failed, verdict.skipped], [1, [], []])
})

test('the runner bounds a flood of output and keeps its end', async () => {
  const verdict = await verdictOn(`test('talks', () => {
    for (let i = 0; i < 1000; i++) process.stdout.write('x'.repeat(10_000)); console.log('the last word') }); test.run()`)
  assert.is(verdict.passed, 1)
  assert.ok(verdict.output.length < 25_000)
  assert.match(verdict.output, /bytes left out[\s\S]*the last word/)
})

const skips = `test.skip('later', () => {}); test('now', () => {}); test.run()`

test('the runner counts a skipped test apart, and as failed in CI', async () => {
  const loose = await verdictOn(skips)
  assert.equal([loose.passed, loose.failed, loose.skipped], [1, [], [{ name: 'later', why: 'test.skip' }]])
  const strict = await verdictOn(skips, { strict: true })
  assert.equal([strict.passed, strict.skipped], [1, []])
  assert.match(whys(strict), /later: skipped, which CI does not allow/)
})

test('the runner counts as skipped what test.only leaves out', async () => {
  const verdict = await verdictOn(`test('left', () => {}); test.only('chosen', () => {}); test.run()`)
  assert.equal([verdict.passed, verdict.skipped], [1, [{ name: 'left', why: 'left out by test.only' }]])
})

test('a missing tool skips the whole file and says how to install it', async () => {
  const verdict = await verdictOn(`await wanted(); test('a', () => assert.ok(false)); test('b', () => {}); test.run()`)
  assert.equal([verdict.passed, verdict.failed.length, verdict.skipped.length], [0, 0, 2])
  assert.match(
    verdict.skipped[0]?.why ?? '',
    /Unobtainium is missing; install it by: sudo apt-get install .*unobtainium/,
  )
})

test('a tool missing inside a test skips that test alone', async () => {
  const verdict = await verdictOn(`test('a', async () => assert.ok(await wanted())); test('b', () => {}); test.run()`)
  assert.equal([verdict.passed, verdict.failed], [1, []])
  assert.equal(
    verdict.skipped.map(({ name }) => name),
    ['a'],
  )
})

test('with trace the runner says where a handle was opened', async () => {
  const text = `test('opens', () => void setInterval(() => {}, 1000)); test.run()`
  assert.match(whys(await verdictOn(text, { trace: true })), /Timeout opened at .*it\.test\.ts:\d+/)
})

test('the whole runner ends with the totals and a fitting exit code', async () => {
  const good = `test('fine', () => {}); test.run()`
  const bad = `test('broken', () => assert.ok(false)); test.run()`
  await inFolder({ 'good.test.ts': good, 'bad.test.ts': bad, 'skips.test.ts': skips }, async (root) => {
    const all = await runner(['--root', root])
    assert.equal([all.code, all.last], [1, '2 passed, 1 failed, 1 skipped'])
    const some = await runner(['--root', root, 'good'])
    assert.equal([some.code, some.last], [0, '1 passed, 0 failed, 0 skipped'])
    const none = await runner(['--root', root, 'nothing-like-it'])
    assert.equal([none.code, none.last], [1, '0 passed, 1 failed, 0 skipped'])
  })
})

async function runner(args: string[]): Promise<{ code: number; last: string | undefined }> {
  const env = { ...process.env, CI: '' }
  const child = spawn(process.execPath, ['--import', 'tsx', RUNNER, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const out: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  const [code] = await once(child, 'close')
  return { code, last: Buffer.concat(out).toString().trimEnd().split('\n').at(-1) }
}

test('a wrong option is refused with a sentence', () => {
  assert.equal(parseOptions(['--jobs', 'many'], ''), { wrong: '--jobs, --limit and --grace take a number' })
  assert.ok('wrong' in parseOptions(['--no-such'], ''))
  assert.equal(parseOptions([], 'true'), { ...parseOptions([], undefined), strict: true })
})

test('the tail keeps both ends whatever the chunks', () => {
  const tail = new Tail()
  for (let i = 0; i < 100_000; i += 1) tail.add(Buffer.from(`${i},`))
  assert.match(tail.text(), /^0,1,2,[\s\S]*left out[\s\S]*99998,99999,$/)
})

test.run()
