import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** A folder as it is deployed: dist/, persona/ and the PM2 file; the packages are a link. */
export type BuiltApp = { dir: string; main: string; remove(): Promise<void> }

/** `client`: with the page as it is built, too; else with a bare one. */
export async function buildApp({ client = false } = {}): Promise<BuiltApp> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-built-'))
  const pages = join(dir, 'dist/client')
  const build = `const to = await import(${JSON.stringify(resolve('build.mjs'))})
    await to.buildServer(${JSON.stringify(join(dir, 'dist/server'))})
    ${client ? `await to.buildClient(${JSON.stringify(pages)})` : ''}`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', build])
  if (!client) {
    await mkdir(pages)
    await writeFile(join(pages, 'index.html'), '<!doctype html><title>page</title>')
  }
  await cp('persona', join(dir, 'persona'), { recursive: true })
  for (const name of ['package.json', 'ecosystem.config.js']) await cp(name, join(dir, name))
  await symlink(resolve('node_modules'), join(dir, 'node_modules'))
  return { dir, main: join(dir, 'dist/server/main.js'), remove: () => rm(dir, { recursive: true, force: true }) }
}

export type Line = { event: string; [field: string]: unknown }
export type Ran = {
  pid: number
  stdout(): string
  stderr(): string
  /** The next line of the log with this event; rejects when the process ends before. */
  line(event: string): Promise<Line>
  kill(signal: NodeJS.Signals): void
  /** Closes our end of its stdout, as `| head -1` does. */
  hangUp(): void
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>
}

/** The server as a process of its own, with this environment alone. `through`: a command that becomes it, such as setpriv. */
export function runMain(main: string, cwd: string, env: Record<string, string>, through: readonly string[] = []): Ran {
  const [command = '', ...args] = [...through, process.execPath, main]
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let ended = false
  let read = 0
  let wake = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    wake()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.on('close', () => {
    ended = true
    wake()
  })
  const line = async (event: string): Promise<Line> => {
    for (;;) {
      for (let end = stdout.indexOf('\n', read); end >= 0; end = stdout.indexOf('\n', read)) {
        const found: Line = JSON.parse(stdout.slice(read, end))
        read = end + 1
        if (found.event === event) return found
      }
      if (ended) throw new Error(`it ended before "${event}":\n${stdout}\n${stderr}`)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    line,
    kill: (signal) => void child.kill(signal),
    hangUp: () => void child.stdout.destroy(),
    ended: once(child, 'exit').then(([code, signal]) => code ?? signal),
  }
}
