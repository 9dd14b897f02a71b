import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { reportCommand } from '../../server/report-command.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { rawSocket } from '../helpers/raw-socket.ts'
import { startServer } from '../helpers/server.ts'

const DAY_MS = 86_400_000
// Ten in the morning of a Thursday, in UTC; eleven in Paris.
const clock = () => manualClock(Date.UTC(2026, 0, 15, 10))
const TODAY = '2026-01-15'
const ADMIN = { ADMIN_TOKEN: 'admin-token-for-tests', REPORT_QUESTIONS: 'on' }

type Shop = {
  clock: ReturnType<typeof clock>
  dir: string
  /** Runs a server for as long as `work` takes. */
  serve(work: (url: string) => Promise<void>): Promise<void>
  report(...args: string[]): ReturnType<typeof reportCommand>
}

async function withShop(env: Record<string, string>, work: (shop: Shop) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-report-'))
  const settings = { STORE_URL: `sqlite:${join(dir, 'shop.db')}`, ...env }
  const time = clock()
  try {
    await work({
      clock: time,
      dir,
      async serve(work) {
        const server = await startServer(settings, { clock: time })
        server.emulator.setScenario({ name: 'ok', text: 'Oui, marin.' })
        try {
          await work(server.url)
        } finally {
          await server.close()
        }
      },
      report: (...args) => reportCommand({ args, env: settings, envFile: join(dir, 'none.env'), clock: time }),
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Asks and reads each answer to its end; `forget` erases it all afterwards. */
async function talk(url: string, texts: readonly string[], forget = false): Promise<void> {
  const socket = await rawSocket(url)
  const heard = (type: RegExp) => socket.next(({ payload }) => type.test(payload.toString()))
  socket.say({ type: 'hello' })
  await heard(/"type":"welcome"/)
  for (const [n, text] of texts.entries()) {
    socket.say({ type: 'ask', id: `q${n}`, text })
    await heard(/"type":"(done|error)"/)
  }
  if (forget) {
    socket.say({ type: 'forget' })
    await heard(/"type":"forgotten"/)
  }
  socket.destroy()
}

test('yesterday is told from the store alone, after the server is gone, as page and as text', () =>
  withShop({ CONNECTION_ASK_BURST: '2' }, async ({ clock, dir, serve, report }) => {
    await serve((url) => talk(url, ['Un VTT ?', 'Vos horaires ?', 'Et le dimanche ?']))
    clock.advance(DAY_MS)
    const { code, out, err } = await report()
    assert.equal([code, err], [0, ''])
    const folder = join(dir, 'reports')
    assert.is(out, `${join(folder, `${TODAY}.html`)}\n${join(folder, `${TODAY}.txt`)}\n`)
    const text = await readFile(join(folder, `${TODAY}.txt`), 'utf8')
    for (const part of [/visitors +1\n/, /questions +3\n/, /by the model +2\n/, /from one connection +1\n/])
      assert.match(text, part)
    assert.match(text, / 11 h {2}#{20} +3 {2}0\.\d+ USD\n/)
    assert.is((await report('--day', TODAY, '--text')).out, text)
    assert.match((await report('--text')).out, /visitors +1\n/)
    assert.match((await report('--day', '2026-01-16', '--text')).out, /visitors +0\n/)
    const html = await readFile(join(folder, `${TODAY}.html`), 'utf8')
    assert.ok(html.startsWith('<!doctype html>'))
    assert.not.match(html + text, /127\.0\.0\.1|VTT|horaires/)
    const modes = await Promise.all(
      [folder, join(folder, `${TODAY}.txt`)].map(async (file) => (await stat(file)).mode & 0o777),
    )
    assert.equal(modes, [0o700, 0o600])
  }))

test('questions without a note are listed once opted in, leave with their visitor, and leave reports when they expire', () =>
  withShop({ ...ADMIN, SESSION_TTL_HOURS: '12' }, async ({ clock, dir, serve, report }) => {
    await serve(async (url) => {
      await talk(url, ['Avez-vous des kayaks ?', 'Quel est le prix d’un VTT ?'])
      await talk(url, ['Proposez-vous des cours de yoga le mardi soir ?'], true)
    })
    const file = join(dir, 'reports', `${TODAY}.html`)
    assert.is((await report('--day', TODAY)).code, 0)
    assert.match(await readFile(file, 'utf8'), '<li>Avez-vous des kayaks ?</li>')
    assert.not.match(await readFile(file, 'utf8'), /yoga|VTT/)
    const stored = await readFile(join(dir, 'shop.db'))
    assert.not(stored.includes('kayaks'), 'sealed')
    clock.advance(DAY_MS)
    assert.is((await report('--day', '2026-01-16')).code, 0)
    assert.not.match(await readFile(file, 'utf8'), 'kayaks')
    assert.not.match(await readFile(file.replace('html', 'txt'), 'utf8'), 'kayaks')
    assert.match(await readFile(file, 'utf8'), /Thursday,? 15 January 2026/)
  }))

test('without the setting no question is kept at all', () =>
  withShop({ ADMIN_TOKEN: ADMIN.ADMIN_TOKEN }, async ({ serve, report }) => {
    await serve((url) => talk(url, ['Avez-vous des kayaks ?']))
    assert.not.match((await report('--day', TODAY, '--text')).out, /kayaks|seem to say nothing/)
  }))

test('reports older than forty days are removed, and nothing else', () =>
  withShop({}, async ({ dir, serve, report }) => {
    await serve(async () => {})
    const folder = join(dir, 'reports')
    await report('--day', TODAY)
    for (const name of ['2025-12-05.html', '2025-12-05.txt', '2025-12-06.txt', 'notes.txt'])
      await writeFile(join(folder, name), '')
    await report('--day', TODAY)
    assert.equal((await readdir(folder)).sort(), ['2025-12-06.txt', `${TODAY}.html`, `${TODAY}.txt`, 'notes.txt'])
  }))

test('what can’t be done is said in a sentence', () =>
  withShop({}, async ({ dir, serve, report }) => {
    assert.match((await report()).err, /there is no .*shop\.db yet/)
    await serve(async () => {})
    await writeFile(join(dir, 'taken'), '')
    const { code, err } = await report('--out', join(dir, 'taken'))
    assert.is(code, 78)
    assert.match(err, /^--out: .*taken can't be written \(E\w+\)\n$/)
    assert.is((await report('--day', 'x')).code, 64)
  }))

test.run()
