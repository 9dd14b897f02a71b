import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { startServer } from '../helpers/server.ts'
import { requireCaddy, requireLogrotate, requireSystemdAnalyze } from '../helpers/tools.ts'
import { freePort } from './deploy-nginx.ts'

const run = promisify(execFile)
const [caddy, logrotate, analyze] = [await requireCaddy(), await requireLogrotate(), await requireSystemdAnalyze()]

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

if (caddy)
  test('[ATTACK12] behind the deployed Caddy a socket opens, and a claimed address is not believed', () =>
    inFolder(async (dir) => {
      const server = await startServer({ TRUSTED_PROXIES: 'loopback', MAX_CONNECTIONS_PER_IP: '2' })
      const port = await freePort()
      const file = join(dir, 'Caddyfile')
      const text = await readFile('deploy/Caddyfile', 'utf8')
      const options = '{\n\tadmin off\n\tauto_https off\n}\n'
      await writeFile(file, options + text.replace('chat.example.com {', `http://127.0.0.1:${port} {`))
      const env = { PATH: process.env.PATH, HOME: dir, UPSTREAM: new URL(server.url).host }
      const child = spawn(caddy, ['run', '--config', file, '--adapter', 'caddyfile'], { env, stdio: 'ignore' })
      const ended = once(child, 'exit')
      try {
        const url = `http://127.0.0.1:${port}`
        const page = await reached(url, () => child.exitCode === null)
        assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
        assert.is(page.headers.get('server'), null)
        const statuses: number[] = []
        for (const n of [1, 2, 3]) statuses.push(await openFrom(`${url}/ws`, `203.0.113.${n}`))
        assert.equal(statuses, [101, 101, 429])
      } finally {
        child.kill('SIGKILL')
        await ended
        await server.close()
      }
    }))

/** The first answer once somebody listens. */
async function reached(url: string, runs: () => boolean): Promise<Response> {
  while (runs()) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer) return answer
    await setImmediate()
  }
  throw new Error('Caddy ended before it listened')
}

function openFrom(url: string, claimed: string): Promise<number> {
  const headers = { 'X-Forwarded-For': claimed, 'X-Real-IP': claimed, Forwarded: `for=${claimed}` }
  const socket = new WebSocket(url.replace('http', 'ws'), { headers })
  return new Promise((done, reject) => {
    socket.once('open', () => done(101))
    socket.once('unexpected-response', (_, { statusCode = 0 }) => {
      socket.terminate()
      done(statusCode)
    })
    // Caddy's end, when all is over.
    socket.once('error', reject)
  })
}

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
