import { execFile } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { notify } from './runner-notices.ts'

type Tool = { name: string; binaries: string[]; debianPackage: string }

/** The path of a Chromium, installed when it can be; undefined when the caller's tests are to be skipped. */
export const requireChromium = (): Promise<string | undefined> =>
  requireTool({
    name: 'Chromium',
    binaries: ['chromium', 'chromium-browser', 'google-chrome'],
    debianPackage: 'chromium',
  })

/** The path of redis-server, or of Valkey's where that is what there is; undefined as above. */
export const requireRedis = (): Promise<string | undefined> =>
  requireTool({ name: 'Redis', binaries: ['redis-server', 'valkey-server'], debianPackage: 'redis-server' })

/** The path of nginx; undefined as above. */
export const requireNginx = (): Promise<string | undefined> =>
  requireTool({ name: 'nginx', binaries: ['nginx'], debianPackage: 'nginx' })

/** The path of tmux; undefined as above. */
export const requireTmux = (): Promise<string | undefined> =>
  requireTool({ name: 'tmux', binaries: ['tmux'], debianPackage: 'tmux' })

/** The path of shellcheck; undefined as above. */
export const requireShellcheck = (): Promise<string | undefined> =>
  requireTool({ name: 'shellcheck', binaries: ['shellcheck'], debianPackage: 'shellcheck' })

/** The path of Caddy; undefined as above. */
export const requireCaddy = (): Promise<string | undefined> =>
  requireTool({ name: 'Caddy', binaries: ['caddy'], debianPackage: 'caddy' })

/** The path of logrotate; undefined as above. */
export const requireLogrotate = (): Promise<string | undefined> =>
  requireTool({ name: 'logrotate', binaries: ['logrotate'], debianPackage: 'logrotate' })

/** The path of systemd-analyze; undefined as above. */
export const requireSystemdAnalyze = (): Promise<string | undefined> =>
  requireTool({ name: 'systemd-analyze', binaries: ['systemd-analyze'], debianPackage: 'systemd' })

/** The path of openssl; undefined as above. */
export const requireOpenssl = (): Promise<string | undefined> =>
  requireTool({ name: 'OpenSSL', binaries: ['openssl'], debianPackage: 'openssl' })

/** The path of curl; undefined as above. */
export const requireCurl = (): Promise<string | undefined> =>
  requireTool({ name: 'curl', binaries: ['curl'], debianPackage: 'curl' })

/** The tool's path. Where it is missing: apt installs it (root on Debian or Ubuntu), or the runner counts a skip. */
export async function requireTool(tool: Tool, installable = canInstall()): Promise<string | undefined> {
  const found = findBinary(tool.binaries)
  if (found !== undefined) return found
  if (installable) {
    notify({ type: 'installing', tool: tool.name })
    await install(tool)
    const installed = findBinary(tool.binaries)
    if (installed !== undefined) return installed
  }
  notify({
    type: 'missing',
    tool: tool.name,
    command: `sudo apt-get install -y --no-install-recommends ${tool.debianPackage}`,
  })
  return undefined
}

function findBinary(names: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin']
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function canInstall(): boolean {
  if (process.getuid?.() !== 0) return false
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

// Files run in processes of their own and may want the same tool: the lock makes the second one find it there.
async function install({ binaries, debianPackage }: Tool): Promise<void> {
  const get = `apt-get install -y --no-install-recommends ${debianPackage}`
  const script = `command -v ${binaries[0]} || ${get} || { apt-get update && ${get}; }`
  try {
    await promisify(execFile)('flock', [join(tmpdir(), 'le-mecano-apt.lock'), 'sh', '-c', script], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 64 << 20,
    })
  } catch (error) {
    process.stderr.write(`apt-get could not install ${debianPackage}: ${String(error).slice(0, 2000)}\n`)
  }
}
