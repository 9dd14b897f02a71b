import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type BuiltApp, buildApp, runMain } from '../helpers/built-app.ts'
import { requireCurl, requireNginx, requireOpenssl } from '../helpers/tools.ts'
import { DOMAIN, deployedConf, startNginx } from './deploy-nginx.ts'

const binary = await requireNginx()
const openssl = await requireOpenssl()
const curl = await requireCurl()
const KEY = 'AIzaSyCanary-0123456789_abcdefghijklmno'

type Ran = { code: number; out: string; err: string }
type Given = {
  app: BuiltApp
  doctor(...flags: string[]): Promise<Ran>
  /** The doctor before a proxy with this configuration. */
  doctorBehind(conf: string, ...flags: string[]): Promise<Ran>
}

/** An installation that runs behind nginx, and the doctor with a machine whose clock and DNS are ours. */
async function installed(run: (given: Given) => Promise<void>): Promise<void> {
  if (!binary || !openssl || !curl) return
  const app = await buildApp()
  const bin = join(app.dir, 'bin')
  await mkdir(bin)
  await cp('deploy', join(app.dir, 'deploy'), { recursive: true })
  const upstream = { GEMINI_BASE_URL: 'http://127.0.0.1:9/', TRUSTED_PROXIES: 'loopback', PORT: '0' }
  const lines = Object.entries({ ...upstream, GEMINI_API_KEY: KEY, STORE_URL: 'sqlite:data/shop.db' })
  const env = lines.map(([name, value]) => `${name}=${value}\n`).join('')
  await writeFile(join(app.dir, '.env'), env, { mode: 0o600 })
  const ran = runMain(app.main, app.dir, {})
  const port = Number(new URL(String((await ran.line('listening')).url)).port)
  const fake = async (name: string, script: string) => {
    await writeFile(join(bin, name), `#!/bin/bash\n${script}\n`)
    await chmod(join(bin, name), 0o755)
  }
  await fake('timedatectl', 'echo yes')
  await fake('journalctl', 'true')
  await fake('curl', `exec ${curl} --connect-to ${DOMAIN}::127.0.0.1: "$@"`)
  await writeFile(join(app.dir, 'resolve.cjs'), RESOLVE)
  const settings = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: app.dir,
    NODE_OPTIONS: `--require ${join(app.dir, 'resolve.cjs')}`,
  }
  const doctor = (...flags: string[]) =>
    new Promise<Ran>((resolve) => {
      execFile(join(app.dir, 'deploy/doctor.sh'), flags, { env: settings }, (error, out, err) =>
        resolve({ code: Number(error?.code ?? 0), out, err }),
      )
    })
  const doctorBehind = async (conf: string, ...flags: string[]) => {
    const nginx = await startNginx(conf, { binary, openssl, upstream: [port] })
    try {
      return await doctor('--url', `https://${DOMAIN}:${nginx.https}`, '--cacert', nginx.cert, ...flags)
    } finally {
      await nginx.close()
    }
  }
  try {
    await run({ app, doctor, doctorBehind })
  } finally {
    ran.kill('SIGKILL')
    await ran.ended
    await app.remove()
  }
}

/** Node too finds the name on loopback, as DNS would lead it to the machine. */
const RESOLVE = `const dns = require('node:dns')
const { lookup } = dns
dns.lookup = (name, options, done) =>
  name === '${DOMAIN}' ? lookup('127.0.0.1', options, done) : lookup(name, options, done)
`

/** A test machine may keep its temporary files in memory. */
const findingsIn = (out: string) =>
  [...out.matchAll(/^BAD {3}(.*)$/gm)].flatMap(([, what]) => (what?.includes('a disk that lasts') ? [] : what))

if (binary && openssl && curl) {
  test('the doctor finds nothing in a good installation, then each thing that is spoilt, and says what to do', () =>
    installed(async ({ app, doctor, doctorBehind }) => {
      const conf = await deployedConf(1)
      const good = await doctorBehind(conf)
      assert.equal(findingsIn(good.out), [], good.out + good.err)
      assert.is(good.err, '')
      assert.match(good.out, /^ok {4}a claimed address is not believed$/m)
      assert.match(good.out, /^ok {4}the certificate is good/m)

      await chmod(join(app.dir, '.env'), 0o644)
      await chmod(join(app.dir, 'data/shop.db'), 0o644)
      await writeFile(join(app.dir, 'leaky.log'), `{"event":"x","text":"${KEY}"}\n`)
      await writeFile(join(app.dir, 'persona/knowledge/leak.md'), `## Clé\n\n${KEY}\n`)
      const spoilt = await doctorBehind(
        conf
          .replace('X-Forwarded-For $remote_addr', 'X-Forwarded-For $http_x_forwarded_for')
          .replace(/add_header Strict.*\n/, 'add_header X-Content-Type-Options nosniff;\n')
          .replace('proxy_set_header Upgrade $http_upgrade;', '')
          .replace('location = /ws {', 'location = /.env { return 200 SECRET; }\n  location = /ws {'),
        '--log',
        join(app.dir, 'leaky.log'),
      )
      assert.equal(findingsIn(spoilt.out), [
        '/.env is not served',
        'each of them is sent once',
        'header strict-transport-security',
        'a WebSocket opens and is answered',
        'a foreign page is refused',
        'a claimed address is not believed',
        ".env is its owner's alone",
        'the key is not in persona and built files',
        `the key is not in ${join(app.dir, 'leaky.log')}`,
        "the store is its owner's alone",
      ])
      assert.is(spoilt.code, [...spoilt.out.matchAll(/^BAD/gm)].length)
      assert.is([...spoilt.out.matchAll(/^ {6}-> \S/gm)].length, spoilt.code)
      assert.not.match(good.out + spoilt.out + spoilt.err, 'Canary')

      const silent = await doctor('--url', 'http://127.0.0.1:9')
      assert.match(findingsIn(silent.out)[0] ?? '', /^nothing answers: /)
      assert.is((await doctor('--all')).code, 64)
      assert.is((await doctor('--log')).code, 64)
    }))
}

test.run()
