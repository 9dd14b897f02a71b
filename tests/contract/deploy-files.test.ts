import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { requireLogrotate, requireSystemdAnalyze } from '../helpers/tools.ts'

const run = promisify(execFile)
const [logrotate, analyze] = [await requireLogrotate(), await requireSystemdAnalyze()]

/** A folder of the test's own. */
async function inFolder(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-deploy-'))
  try {
    await use(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

if (analyze)
  test('the systemd unit is well-formed and scores 1.5 or better', () =>
    inFolder(async (dir) => {
      const unit = join(dir, 'le-mecano.service')
      const text = await readFile('deploy/le-mecano.service', 'utf8')
      await writeFile(unit, text.replaceAll('/opt/le-mecano', dir).replace('/usr/bin/node', process.execPath))
      assert.is((await run(analyze, ['verify', unit])).stderr, '')
      const { stdout } = await run(analyze, ['security', '--offline=true', '--threshold=15', unit])
      assert.match(stdout, /Overall exposure level for le-mecano.service: 1\.\d OK/)
    }))

if (logrotate)
  test('logrotate empties the log that stays open, keeps what was in it, and its rights', () =>
    inFolder(async (dir) => {
      const logs = join(dir, '.pm2/logs')
      await mkdir(logs, { recursive: true })
      await writeFile(join(logs, 'le-mecano-out.log'), '{"event":"question"}\n', { mode: 0o600 })
      const conf = await readFile('deploy/logrotate.conf', 'utf8')
      // The user of the machine is not here.
      const here = conf.replaceAll('/var/lib/le-mecano', dir).replace(/^ *su .*\n/m, '')
      await writeFile(join(dir, 'conf'), here, { mode: 0o600 })
      await run(logrotate, ['--force', '--state', join(dir, 'state'), join(dir, 'conf')])
      assert.is(await readFile(join(logs, 'le-mecano-out.log'), 'utf8'), '')
      assert.is(await readFile(join(logs, 'le-mecano-out.log.1'), 'utf8'), '{"event":"question"}\n')
      assert.is((await stat(join(logs, 'le-mecano-out.log.1'))).mode & 0o777, 0o600)
    }))

test('the image holds what it needs, runs without root, and no secret can get in', async () => {
  const lines = (await readFile('Dockerfile', 'utf8')).replace(/\\\n/g, '').split('\n')
  const instructions = lines.filter((line) => line !== '' && !line.startsWith('#'))
  const known = /^(FROM|WORKDIR|COPY|RUN|ENV|VOLUME|EXPOSE|USER|HEALTHCHECK|CMD) /
  assert.equal(
    instructions.filter((line) => !known.test(line)),
    [],
  )
  const copied = instructions.flatMap((line) => /^COPY (?!--from)(.+) \S+$/.exec(line)?.[1]?.split(' ') ?? [])
  for (const path of copied) await access(path)
  const allowed = (await readFile('.dockerignore', 'utf8')).split('\n').filter((line) => !line.startsWith('#'))
  assert.is(allowed[0], '*')
  for (const path of copied) assert.ok(allowed.includes(`!${path.split('/')[0]}`), path)
  assert.ok(allowed.indexOf('**/.env') > allowed.indexOf('!deploy'))
  const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM')))
  assert.is(last.filter((line) => line.startsWith('USER ')).at(-1), 'USER node')
  assert.is(last.at(-1), 'CMD ["node", "dist/server/main.js"]')
  // What server and client are made of is there to build.
  for (const folder of ['protocol', 'server', 'client', 'emulator', 'build.mjs'])
    assert.ok(copied.includes(folder), folder)
})

test('compose is well-formed YAML, with settings that exist and rights that are few', async () => {
  // PM2 brings a reader of YAML along.
  const yaml = createRequire(resolve('node_modules/pm2/package.json'))('js-yaml')
  const { services, volumes, secrets, networks } = yaml.load(await readFile('compose.yml', 'utf8'))
  const app = services['le-mecano']
  const known = new Set((await readFile('.env.example', 'utf8')).match(/^[A-Z_]+(?==)/gm))
  for (const name of Object.keys(app.environment)) assert.ok(known.has(name), name)
  assert.equal([app.read_only, app.cap_drop, app.security_opt], [true, ['ALL'], ['no-new-privileges:true']])
  assert.is(app.environment.TRUSTED_PROXIES, networks.inside.ipam.config[0].subnet)
  assert.is(app.environment.GEMINI_API_KEY_FILE, `/run/secrets/${app.secrets[0]}`)
  assert.ok(secrets[app.secrets[0]])
  for (const service of [app, services.caddy])
    for (const mount of service.volumes) {
      const [from] = mount.split(':')
      if (from.startsWith('./')) await access(from)
      else assert.ok(from in volumes, from)
    }
})

test.run()
