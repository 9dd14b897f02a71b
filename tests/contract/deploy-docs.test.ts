import { execFile } from 'node:child_process'
import { access, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type BuiltApp, buildApp, type Ran, runMain } from '../helpers/built-app.ts'
import { requireCurl } from '../helpers/tools.ts'

const curl = await requireCurl()
const pages = (await readdir('docs')).filter((name) => name.endsWith('.md'))
const textOf = (name: string) => readFile(join('docs', name), 'utf8')

/** A block between ```sh test and ``` can run anywhere; `test stopped` wants the server stopped. */
type Block = { page: string; code: string; stopped: boolean }
const blocksOf = (page: string, text: string): Block[] =>
  [...text.matchAll(/^```sh test( stopped)?\n(.*?)^```$/gms)].map(([, stopped, code = '']) => {
    return { page, code, stopped: stopped !== undefined }
  })

type Machine = { app: BuiltApp; root: string; start(): Ran; run(code: string, port: number): Promise<string> }

/** The places that the pages speak of, elsewhere, with a server in demonstration mode. */
async function onMachine(run: (machine: Machine) => Promise<void>): Promise<void> {
  const app = await buildApp()
  const root = await mkdtemp(join(tmpdir(), 'le-mecano-docs-'))
  for (const name of ['deploy', 'server', 'protocol', 'emulator', 'package-lock.json', '.env.example', 'tsconfig.json'])
    await symlink(resolve(name), join(app.dir, name))
  for (const folder of ['var/lib/le-mecano', 'var/backups', 'etc/le-mecano', 'tmp'])
    await mkdir(join(root, folder), { recursive: true })
  await cp('persona', join(root, 'etc/le-mecano/persona'), { recursive: true })
  const settings = `STORE_URL=sqlite:${root}/var/lib/le-mecano/le-mecano.db\nPORT=0\n`
  await writeFile(join(app.dir, '.env'), settings, { mode: 0o600 })
  const env = { PATH: process.env.PATH, HOME: root, DESTDIR: '' }
  const started: Ran[] = []
  try {
    await run({
      app,
      root,
      start() {
        const ran = runMain(app.main, app.dir, {})
        started.push(ran)
        return ran
      },
      run: (code, port) =>
        new Promise((done, reject) => {
          const script = `set -euo pipefail\n${here(code, app.dir, root, port)}`
          execFile('bash', ['-c', script], { cwd: app.dir, env }, (error, out, err) =>
            error ? reject(new Error(`${code}\n${out}${err}`)) : done(out + err),
          )
        }),
    })
  } finally {
    for (const ran of started) ran.kill('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await app.remove()
    await rm(root, { recursive: true, force: true })
  }
}

/** Nobody here is root, and nothing here is the machine's own. */
const here = (code: string, app: string, root: string, port: number): string =>
  code
    .replace(/sudo (-u le-mecano )?/g, '')
    .replace(/-o le-mecano /g, '')
    // The places that replace come last: they hold such names themselves.
    .replace(/(?<![\w/.-])\/(var\/lib|var\/backups|etc|tmp)(?=\/le-mecano)/g, `${root}/$1`)
    .replaceAll('-C /etc', `-C ${root}/etc`)
    .replaceAll('/opt/le-mecano', app)
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)

const portOf = async (ran: Ran) => Number(new URL(String((await ran.line('listening')).url)).port)

if (curl)
  test('every command of the docs that can run anywhere does what its page says', () =>
    onMachine(async ({ root, start, run }) => {
      let ran = start()
      let port = await portOf(ran)
      const said = new Map<string, string>()
      const runAll = async (stopped: boolean, only?: string) => {
        for (const page of ['install.md', 'configure.md', 'run.md', 'back-up.md', 'recover.md']) {
          const blocks = blocksOf(page, await textOf(page)).filter((block) => block.stopped === stopped)
          if (only !== undefined && page !== only) continue
          for (const { code } of blocks) said.set(page, (said.get(page) ?? '') + (await run(code, port)))
        }
      }
      await runAll(false)
      assert.match(said.get('install.md') ?? '', 'changes would be made')
      assert.match(said.get('configure.md') ?? '', /BUDGET_PER_DAY: .*\n.*PORT: |PORT: .*\n.*BUDGET_PER_DAY: /s)
      assert.match(said.get('run.md') ?? '', /^ok\nready\n/)
      assert.match(said.get('run.md') ?? '', /var\/lib\/le-mecano\/reports\/[\d-]+\.html\n.*\nLe Mécano, [\d-]+ \(/s)
      assert.match(said.get('run.md') ?? '', '\n404\n')
      assert.match(said.get('run.md') ?? '', "Today's cap rises from 1.00 to 1.50.")
      assert.match(said.get('back-up.md') ?? '', /var\/backups\/le-mecano\/le-mecano-\S+\.db\n/)
      assert.match(said.get('recover.md') ?? '', 'Nothing was halted')
      await access(join(root, 'tmp/le-mecano-day.svg'))

      ran.kill('SIGTERM')
      await ran.ended
      said.clear()
      await runAll(true)
      assert.match(said.get('recover.md') ?? '', /le-mecano\.db is the copy \S+, checked\.\n.*-- --resume\.\n$/s)
      ran = start()
      port = await portOf(ran)
      assert.match(await run('npm run budget', port), /^HALTED/m)
      said.clear()
      await runAll(false, 'recover.md')
      assert.match(said.get('recover.md') ?? '', /It was halted: .*Questions are admitted again\./s)
      ran.kill('SIGTERM')
      await ran.ended
    }))

test('no page has a runnable block that no test runs', async () => {
  const run = ['install.md', 'configure.md', 'run.md', 'back-up.md', 'recover.md']
  const others = pages.filter((page) => !run.includes(page))
  const blocks = await Promise.all(others.map(async (page) => blocksOf(page, await textOf(page))))
  assert.equal(blocks.flat(), [])
  assert.ok(pages.length >= 8, pages.join())
})

test('each test that security.md names exists', async () => {
  const files = await readdir('tests', { recursive: true })
  const sources = files.filter((name) => /\.(ts|session)$/.test(name) && !name.includes('deploy-docs'))
  const everything = (await Promise.all(sources.map((name) => readFile(join('tests', name), 'utf8')))).join('\n')
  const rows = (await textOf('security.md')).split('\n').filter((line) => /^\| .* \| .* \| `/.test(line))
  const named = rows.flatMap((row) =>
    [...row.slice(row.lastIndexOf(' | ')).matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
  const titles = everything
    .split('\n')
    .filter((line) => /^\s*(test|it|attack)\(|\btitle: '|^# [A-Z]+\d+ |^ {2}'/.test(line))
    .join('\n')
  assert.ok(named.length > 35, String(named.length))
  assert.equal(
    named.filter((name) => !titles.includes(name) && !titles.includes(name.replaceAll("'", "\\'"))),
    [],
  )
})

test('the docs name settings, files and log events that exist', async () => {
  const texts = (await Promise.all(pages.map(textOf))).join('\n')
  const example = await readFile('.env.example', 'utf8')
  const known = new Set([...example.matchAll(/^([A-Z][A-Z_]+)=/gm)].map(([, name]) => name))
  const settings = [...texts.matchAll(/`([A-Z][A-Z]*_[A-Z_]*[A-Z])(?:=[^`]*)?`/g)].map(([, name]) => name)
  assert.equal(
    settings.filter((name) => !known.has(name)),
    [],
  )
  const links = [...texts.matchAll(/\]\((?!https:)([^)#]+)[^)]*\)/g)].map(([, target = '']) => join('docs', target))
  const files = [...texts.matchAll(/`(deploy\/[\w.-]+|compose\.yml|\.env\.example)`/g)].map(([, name = '']) => name)
  for (const file of [...links, ...files]) await access(file)
  const events = [...(await textOf('run.md')).matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, event = '']) => event)
  const server = await readdir('server', { recursive: true })
  const code = await Promise.all(
    server.filter((it) => it.endsWith('.ts')).map((it) => readFile(join('server', it), 'utf8')),
  )
  for (const event of events)
    assert.ok(
      code.some((text) => text.includes(`'${event}'`)),
      event,
    )
})

test.run()
