import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { freePort } from './deploy-nginx.ts'

/** A real Caddy with deploy/Caddyfile on loopback, without TLS. `first`: what it answered first. */
export type TestCaddy = { url: string; first: Response; close(): Promise<void> }

export async function startCaddy(binary: string, upstream: string): Promise<TestCaddy> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-caddy-'))
  const port = await freePort()
  const file = join(dir, 'Caddyfile')
  const text = await readFile('deploy/Caddyfile', 'utf8')
  const options = '{\n\tadmin off\n\tauto_https off\n}\n'
  await writeFile(file, options + text.replace('chat.example.com {', `http://127.0.0.1:${port} {`))
  const env = { PATH: process.env.PATH, HOME: dir, UPSTREAM: new URL(upstream).host }
  const child = spawn(binary, ['run', '--config', file, '--adapter', 'caddyfile'], { env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  const close = async () => {
    child.kill('SIGKILL')
    await ended
    await rm(dir, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  for (;;) {
    const first = await fetch(url).catch(() => undefined)
    if (first) return { url, first, close }
    if (child.exitCode !== null) throw new Error('Caddy ended before it listened')
    await setImmediate()
  }
}

export type Tried = { status: number; socket: WebSocket }

/** A socket to a path behind it, and what its handshake came to. `from`: the address that it comes from. */
export function openBehind(url: string, headers: Record<string, string>, from = '127.0.0.1'): Promise<Tried> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers, localAddress: from })
  return new Promise((done, reject) => {
    socket.once('open', () => done({ status: 101, socket }))
    socket.once('unexpected-response', (_, { statusCode = 0 }) => {
      socket.terminate()
      done({ status: statusCode, socket })
    })
    // Caddy's end, when all is over.
    socket.once('error', reject)
  })
}
