import { access, cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'libsql'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startRedis } from '../helpers/redis.ts'
import { requireCurl } from '../helpers/tools.ts'
import { type Block, blocksOf, type Machine, onMachine, pages, textOf } from './deploy-docs.ts'

const curl = await requireCurl()
const redis = await startRedis()

const COMMANDS = ['install.md', 'configure.md', 'run.md', 'scale.md', 'back-up.md', 'upgrade.md', 'recover.md']
const done = new Set<string>()

/** What the blocks of a page say; `places` as for `run`. */
async function runPage(machine: Machine, page: string, wants: string, places: Record<string, string>): Promise<string> {
  let said = ''
  for (const { code } of await blocksOf(page, wants)) {
    said += await machine.run(code, places)
    done.add(code)
  }
  return said
}

if (curl)
  test('every command of the docs that can run anywhere does what its page says', () =>
    onMachine(async (machine) => {
      const { root, start } = machine
      const first = await start()
      const said = new Map<string, string>()
      for (const page of COMMANDS) said.set(page, await runPage(machine, page, '', { '127.0.0.1:8080': first.host }))
      const says = (page: string, what: RegExp | string) => assert.match(said.get(page) ?? '', what)
      says('install.md', 'changes would be made')
      says('configure.md', /BUDGET_PER_DAY: .*\n.*PORT: |PORT: .*\n.*BUDGET_PER_DAY: /s)
      says('run.md', /^ok\nready\n/)
      says('run.md', /var\/lib\/le-mecano\/reports\/[\d-]+\.html\n.*\nLe Mécano, [\d-]+ \(/s)
      says('run.md', '\n404\n')
      says('run.md', "Today's cap rises from 1.00 to 1.50.")
      says('scale.md', /^1\n$/)
      says('back-up.md', /var\/backups\/le-mecano\/le-mecano-\S+\.db\n/)
      says('upgrade.md', /var\/backups\/le-mecano\/le-mecano-\S+\.db\n.*changes would be made.*\nready\n$/s)
      says('recover.md', 'Nothing was halted')
      await access(join(root, 'tmp/le-mecano-day.svg'))

      first.ran.kill('SIGTERM')
      await first.ran.ended
      const put = await runPage(machine, 'recover.md', 'stopped', {})
      assert.match(put, /le-mecano\.db is the copy \S+, checked\.\n.*-- --resume\.\n$/s)
      const second = await start()
      assert.match(await machine.run('npm run budget'), /^HALTED/m)
      const recovered = await runPage(machine, 'recover.md', '', {})
      assert.match(recovered, /It was halted: .*Questions are admitted again\./s)
      second.ran.kill('SIGTERM')
      await second.ran.ended
    }))

test('the way back of upgrade.md: the version before refuses the newer store, and runs on the copy from before', () =>
  onMachine(async (machine) => {
    const { app, root, start } = machine
    const store = join(root, 'var/lib/le-mecano/le-mecano.db')
    const before = await start()
    await machine.run('npm run maintenance -- --out /var/backups/le-mecano')
    before.ran.kill('SIGTERM')
    await before.ran.ended
    // The upgrade: the program gives way to another, which brings the store up to its own version.
    await cp(app.dir, `${app.dir}.old`, { recursive: true, verbatimSymlinks: true })
    await writeFile(app.main, 'throw new Error()')
    const newer = new Database(store)
    newer.exec('PRAGMA user_version=99')
    newer.close()

    await runPage(machine, 'upgrade.md', 'stopped', {})
    assert.match(await machine.refused(), 'was written by a newer version of this program')
    await runPage(machine, 'recover.md', 'stopped', {})
    const after = await start()
    after.ran.kill('SIGTERM')
    assert.is(await after.ran.ended, 0)
  }))

if (redis && curl) {
  test('the commands of scale.md make a fresh Redis ours, and find two nodes on it ready', () =>
    onMachine(async (machine) => {
      const STORE_URL = redis.url
      const said = await runPage(machine, 'scale.md', 'redis', { 'redis://10.0.0.5:6379': STORE_URL })
      assert.match(said, 'This Redis is ready, with nothing spent.')
      const nodes = [await machine.start({ STORE_URL }), await machine.start({ STORE_URL })]
      const places = { '127.0.0.1:8081': nodes[0]?.host ?? '', '127.0.0.1:8082': nodes[1]?.host ?? '' }
      assert.is(await runPage(machine, 'scale.md', 'nodes', places), 'ready\nready\n')
    }))

  test('no page has a runnable block that no test runs, and each that is to be followed has one', async () => {
    await redis.close()
    const words = ['', 'stopped', 'redis', 'nodes']
    const all = (await Promise.all(pages.flatMap((page) => words.map((wants) => blocksOf(page, wants))))).flat()
    const isRun = ({ code }: Block) => done.has(code)
    assert.equal(
      all.filter((block) => !isRun(block)),
      [],
    )
    const texts = await Promise.all(pages.map(textOf))
    assert.is(all.length, texts.join('\n').match(/^ *```sh test/gm)?.length)
    assert.equal(
      COMMANDS.filter((page) => !all.some((block) => block.page === page)),
      [],
    )
  })
}

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
