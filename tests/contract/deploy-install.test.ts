import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { requireShellcheck } from '../helpers/tools.ts'

const KEY = 'AIzaSyCanary-0123456789_abcdefghijklmno'
const USUAL = ['--domain', 'chat.shop.example', '--email', 'shop@shop.example']

const SCRIPTS = ['install', 'install-tools', 'doctor', 'doctor-inside'].map((name) => `deploy/${name}.sh`)

/** What a machine answers in place of its own commands; each call becomes a line of `calls`. */
const MACHINE: Record<string, string> = {
  'apt-get': '',
  'apt-cache': '',
  'dpkg-query': 'printf installed',
  useradd: '',
  id: '',
  chown: '',
  npm: '',
  pm2: '',
  runuser:
    'case "$*" in *"pm2 save"*) mkdir -p "$DESTDIR/var/lib/le-mecano/.pm2"; : >"$DESTDIR/var/lib/le-mecano/.pm2/dump.pm2";; *startOrReload*) : >"$DESTDIR/etc/systemd/system/pm2-le-mecano.service";; esac',
  // Neither nginx nor Caddy runs, unless a file says so.
  systemctl: 'case "$*" in "is-active --quiet nginx" | "is-active --quiet caddy") [ -e "$DESTDIR/runs-$3" ];; esac',
  nginx: '',
  caddy: '',
  certbot: 'mkdir -p "$DESTDIR/etc/letsencrypt/live/chat.shop.example"',
  ufw: '[ "$1" = status ] && printf "Status: active\\n22/tcp  ALLOW  x\\n80/tcp  ALLOW  x\\n443/tcp  ALLOW  x\\n"; true',
  sshd: 'echo port 22',
  timedatectl: 'echo yes',
}

type Ran = { code: number; out: string; err: string; calls: string[] }
type Given = { root: string; checkout: string; install(...flags: string[]): Promise<Ran> }

/** A small checkout, a machine that only writes down what it is told, and a root to install below. */
async function onMachine(run: (given: Given) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-install-'))
  const [root, checkout, bin, calls] = [join(dir, 'root'), join(dir, 'checkout'), join(dir, 'bin'), join(dir, 'calls')]
  await Promise.all([root, bin, join(checkout, 'server')].map((folder) => mkdir(folder, { recursive: true })))
  for (const name of ['deploy', 'persona', '.env.example', 'package-lock.json'])
    await cp(name, join(checkout, name), { recursive: true })
  for (const [name, script] of Object.entries(MACHINE)) {
    await writeFile(join(bin, name), `#!/bin/bash\necho "${name} $*" >>"${calls}"\n${script}\n`)
    await chmod(join(bin, name), 0o755)
  }
  const env = { PATH: `${bin}:${process.env.PATH}`, DESTDIR: root }
  const install = async (...flags: string[]): Promise<Ran> => {
    await writeFile(calls, '')
    const ended = await new Promise<Omit<Ran, 'calls'>>((resolve) => {
      execFile(join(checkout, 'deploy/install.sh'), flags, { env, cwd: dir }, (error, out, err) =>
        resolve({ code: Number(error?.code ?? 0), out, err }),
      )
    })
    return { ...ended, calls: (await readFile(calls, 'utf8')).split('\n').filter(Boolean) }
  }
  try {
    await run({ root, checkout, install })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Every file below, with its rights and contents. */
async function treeOf(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const lines = entries.map(async (entry) => {
    const file = join(entry.parentPath, entry.name)
    if (entry.isSymbolicLink()) return `${file} link`
    const { mode } = await stat(file)
    const sum = entry.isFile() ? createHash('sha256').update(await readFile(file)) : undefined
    return `${file} ${mode.toString(8)} ${sum?.digest('hex') ?? ''}`
  })
  return (await Promise.all(lines)).sort()
}

const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8)
const acting = (calls: string[]) =>
  calls.filter((call) => !/^(dpkg-query|id|sshd|chown|ufw status|timedatectl show|systemctl is-)/.test(call))

test('wrong flags are refused with one sentence, and touch nothing', () =>
  onMachine(async ({ root, install }) => {
    const wrong: [string[], RegExp][] = [
      [[], /--domain needs a name/],
      [['--domain'], /--domain needs a value/],
      [['--domain', '--email'], /--domain needs a value/],
      [['--domain', 'a.example'], /--email needs an address/],
      [['--domain', 'a.example; rm -rf /', '--email', 'a@b'], /--domain needs a name/],
      [[...USUAL, '--with', 'upstart'], /--with is systemd or pm2/],
      [[...USUAL, '--proxy', 'apache'], /--proxy is nginx or caddy/],
      [[...USUAL, '--cert', '/dev/null'], /--cert and --cert-key go together/],
      [[...USUAL, '--key-file', '/nowhere/key'], /\/nowhere\/key can't be read/],
      [[...USUAL, '--force'], /unknown option --force/],
    ]
    for (const [flags, sentence] of wrong) {
      const { code, err, calls } = await install(...flags)
      assert.ok(code === 64 || code === 1, `${flags}: ${code}`)
      assert.match(err, sentence)
      assert.equal(calls, [])
    }
    assert.equal(await treeOf(root), [])
  }))

test('--dry-run prints the plan and changes nothing', () =>
  onMachine(async ({ root, install }) => {
    const { code, out, calls } = await install(...USUAL, '--dry-run')
    assert.is(code, 0)
    for (const planned of ['env (0600', 'le-mecano.service (0644', 'npm --prefix', 'certbot certonly', 'nginx -t'])
      assert.match(out, planned)
    assert.match(out, /\n\d+ changes would be made\.\n/)
    assert.equal(acting(calls), [])
    assert.equal(await treeOf(root), [])
  }))

test('systemd and nginx: what is written, with whose rights, and a second run changes nothing', () =>
  onMachine(async ({ root, checkout, install }) => {
    await writeFile(join(checkout, 'key'), `${KEY}\n`)
    const flags = [...USUAL, '--key-file', join(checkout, 'key')]
    const first = await install(...flags)
    assert.is(first.code, 0, first.err)
    const etc = join(root, 'etc/le-mecano')
    const env = await readFile(join(etc, 'env'), 'utf8')
    for (const line of ['TRUSTED_PROXIES=loopback', 'PERSONA_DIR=/etc/le-mecano/persona', 'GEMINI_API_KEY='])
      assert.ok(env.split('\n').includes(line), line)
    assert.match(env, 'STORE_URL=sqlite:/var/lib/le-mecano/')
    assert.equal([await modeOf(join(etc, 'env')), await modeOf(join(etc, 'gemini-api-key'))], ['600', '600'])
    assert.equal([await modeOf(etc), await modeOf(join(root, 'var/lib/le-mecano'))], ['750', '700'])
    const unit = await readFile(join(root, 'etc/systemd/system/le-mecano.service'), 'utf8')
    assert.match(unit, /^LoadCredential=gemini-api-key:/m)
    const conf = await readFile(join(root, 'etc/nginx/conf.d/le-mecano.conf'), 'utf8')
    assert.match(conf, 'ssl_certificate /etc/letsencrypt/live/chat.shop.example/fullchain.pem;')
    assert.not.match(conf, 'example.com')
    // Port 80 alone first, then the certificate, then the whole.
    const order = first.calls
      .filter((call) => /^(nginx|certbot|systemctl reload)/.test(call))
      .map((call) => call.split(' ')[0])
    assert.equal(order, ['nginx', 'systemctl', 'certbot', 'nginx', 'systemctl'])
    assert.not.match(first.out + first.err + first.calls.join('\n'), 'Canary')

    const before = await treeOf(root)
    const second = await install(...flags)
    assert.match(second.out, '\n0 changes made.\n')
    assert.equal(acting(second.calls), [])
    assert.equal(await treeOf(root), before)
  }))

test('a newer checkout is built and started; what the admin and the webmaster edited stays', () =>
  onMachine(async ({ root, checkout, install }) => {
    await install(...USUAL)
    const [env, persona] = [join(root, 'etc/le-mecano/env'), join(root, 'etc/le-mecano/persona/instructions.md')]
    await writeFile(env, 'BUDGET_PER_DAY=3\nPORT=9090\n')
    await writeFile(persona, 'Tu es un boulanger.')
    await writeFile(join(checkout, 'server/new.ts'), 'export {}')
    const { out, calls } = await install(...USUAL)
    assert.match(out, 'npm --prefix')
    assert.ok(calls.includes('systemctl restart le-mecano'), calls.join('\n'))
    assert.is(await readFile(env, 'utf8'), 'BUDGET_PER_DAY=3\nPORT=9090\n')
    assert.is(await readFile(persona, 'utf8'), 'Tu es un boulanger.')
    assert.match(await readFile(join(root, 'etc/nginx/conf.d/le-mecano.conf'), 'utf8'), 'server 127.0.0.1:9090;')
    assert.ok(await stat(join(root, 'opt/le-mecano.old')))
  }))

test('PM2 and Caddy: the key in a file of the user, the dump under umask 077, and a second run changes nothing', () =>
  onMachine(async ({ root, checkout, install }) => {
    await writeFile(join(checkout, 'key'), `${KEY}\n`)
    const flags = [...USUAL, '--with', 'pm2', '--proxy', 'caddy']
    const first = await install(...flags, '--key-file', join(checkout, 'key'))
    assert.is(first.code, 0, first.err)
    assert.match(
      await readFile(join(root, 'etc/le-mecano/env'), 'utf8'),
      '\nGEMINI_API_KEY_FILE=/etc/le-mecano/gemini-api-key\n',
    )
    assert.is(await modeOf(join(root, 'etc/le-mecano/gemini-api-key')), '400')
    assert.match(
      await readFile(join(root, 'etc/systemd/system/pm2-le-mecano.service.d/umask.conf'), 'utf8'),
      'UMask=0077',
    )
    const caddyfile = await readFile(join(root, 'etc/caddy/Caddyfile'), 'utf8')
    assert.match(caddyfile, '\nchat.shop.example {\n\ttls shop@shop.example\n')
    const started = first.calls.filter((call) => call.startsWith('runuser'))
    assert.ok(
      started.every((call) => call.includes(' env -i ')),
      started.join('\n'),
    )
    const again = await install(...flags)
    assert.match(again.out, '\n0 changes made.\n')
    assert.equal(acting(again.calls), [])
    const moved = await install(...USUAL)
    assert.ok(moved.calls.includes('systemctl disable --now pm2-le-mecano'))
    assert.match(await readFile(join(root, 'etc/le-mecano/env'), 'utf8'), '\nGEMINI_API_KEY_FILE=\n')
  }))

test('a certificate of your own: Caddy gets copies that its user may read, and is told of a new one', () =>
  onMachine(async ({ root, checkout, install }) => {
    const [cert, key] = [join(checkout, 'cert.pem'), join(checkout, 'key.pem')]
    await writeFile(cert, 'CERTIFICATE')
    await writeFile(key, 'PRIVATE', { mode: 0o600 })
    const flags = ['--domain', 'chat.shop.example', '--proxy', 'caddy', '--cert', cert, '--cert-key', key]
    const first = await install(...flags)
    assert.is(first.code, 0, first.err)
    assert.ok(
      first.calls.some((call) => /^chown root:caddy .*le-mecano\.key/.test(call)),
      first.calls.join('\n'),
    )
    assert.is(await readFile(join(root, 'etc/caddy/le-mecano.key'), 'utf8'), 'PRIVATE')
    assert.is(await modeOf(join(root, 'etc/caddy/le-mecano.key')), '640')
    const caddyfile = await readFile(join(root, 'etc/caddy/Caddyfile'), 'utf8')
    assert.match(caddyfile, '\n\ttls /etc/caddy/le-mecano.crt /etc/caddy/le-mecano.key\n')
    assert.match((await install(...flags)).out, '\n0 changes made.\n')
    await writeFile(cert, 'RENEWED')
    const renewed = await install(...flags)
    assert.ok(renewed.calls.includes('systemctl reload-or-restart caddy'), renewed.calls.join('\n'))
  }))

test('where the other proxy runs already, nothing is touched, and what to do about it is said', () =>
  onMachine(async ({ root, install }) => {
    await writeFile(join(root, 'runs-nginx'), '')
    const { code, err, calls } = await install(...USUAL, '--proxy', 'caddy')
    assert.is(code, 1)
    assert.match(err, 'nginx runs here and has the ports: systemctl disable --now nginx first, or choose --proxy nginx')
    assert.equal(acting(calls), [])
    assert.is((await install(...USUAL)).code, 0)
  }))

const shellcheck = await requireShellcheck()
if (shellcheck)
  test('shellcheck finds nothing', async () => {
    const found = await new Promise<string>((resolve) =>
      execFile(shellcheck, ['-x', ...SCRIPTS], (_, out, err) => resolve(out + err)),
    )
    assert.is(found, '')
  })

test.run()
