import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type BuiltApp, buildApp, type Ran, runMain } from '../helpers/built-app.ts'

/** A block between ```sh test and ``` can run anywhere; `wants` is what else it needs around it. */
export type Block = { page: string; code: string; wants: string }

export const pages = (await readdir('docs')).filter((name) => name.endsWith('.md'))
export const textOf = (page: string) => readFile(join('docs', page), 'utf8')

export async function blocksOf(page: string, wants: string): Promise<Block[]> {
  return [...(await textOf(page)).matchAll(/^( *)```sh test ?(\w*)\n(.*?)^\1```$/gms)]
    .map(([, indent = '', word = '', code = '']) => ({ page, wants: word, code: code.replaceAll(`\n${indent}`, '\n') }))
    .filter((block) => block.wants === wants)
}

/** The places that the pages speak of, elsewhere. */
export type Machine = {
  app: BuiltApp
  root: string
  /** A server in demonstration mode; what it listens on. */
  start(env?: Record<string, string>): Promise<{ ran: Ran; host: string }>
  /** A start that is to fail; what it says. */
  refused(): Promise<string>
  /** Runs a block; `places` are the addresses in it, and what they are here. */
  run(code: string, places?: Readonly<Record<string, string>>): Promise<string>
}

export async function onMachine(use: (machine: Machine) => Promise<void>): Promise<void> {
  const app = await buildApp()
  const root = await mkdtemp(join(tmpdir(), 'le-mecano-docs-'))
  for (const name of ['deploy', 'server', 'protocol', 'emulator', 'package-lock.json', '.env.example', 'tsconfig.json'])
    await symlink(resolve(name), join(app.dir, name))
  for (const folder of ['var/lib/le-mecano', 'var/backups', 'etc/le-mecano', 'tmp'])
    await mkdir(join(root, folder), { recursive: true })
  await cp('persona', join(root, 'etc/le-mecano/persona'), { recursive: true })
  const settings = `STORE_URL=sqlite:${root}/var/lib/le-mecano/le-mecano.db\nPORT=0\n`
  await writeFile(join(app.dir, '.env'), settings, { mode: 0o600 })
  const started: Ran[] = []
  const begin = (env: Record<string, string>) => {
    const ran = runMain(app.main, app.dir, env)
    started.push(ran)
    return ran
  }
  try {
    await use({
      app,
      root,
      async start(env = {}) {
        const ran = begin(env)
        return { ran, host: new URL(String((await ran.line('listening')).url)).host }
      },
      async refused() {
        const ran = begin({})
        await ran.ended
        return ran.stderr()
      },
      run: (code, places = {}) => runBlock(code, places, app.dir, root),
    })
  } finally {
    for (const ran of started) ran.kill('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await app.remove()
    for (const folder of [root, `${app.dir}.old`, `${app.dir}.bad`]) await rm(folder, { recursive: true, force: true })
  }
}

function runBlock(code: string, places: Readonly<Record<string, string>>, app: string, root: string): Promise<string> {
  const script = `set -euo pipefail\n${here(code, places, app, root)}`
  const env = { PATH: process.env.PATH, HOME: root, DESTDIR: '' }
  return new Promise((done, reject) => {
    execFile('bash', ['-c', script], { cwd: app, env }, (error, out, err) =>
      error ? reject(new Error(`${code}\n${out}${err}`)) : done(out + err),
    )
  })
}

/** Nobody here is root, and nothing here is the machine's own. */
function here(code: string, places: Readonly<Record<string, string>>, app: string, root: string): string {
  const local = code
    .replace(/sudo (-u le-mecano )?/g, '')
    .replace(/-o le-mecano /g, '')
    // The places that replace come last: they hold such names themselves.
    .replace(/(?<![\w/.-])\/(var\/lib|var\/backups|etc|tmp)(?=\/le-mecano)/g, `${root}/$1`)
    .replaceAll('-C /etc', `-C ${root}/etc`)
    .replaceAll('/opt/le-mecano', app)
  return Object.entries(places).reduce((text, [there, place]) => text.replaceAll(there, place), local)
}
