import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { requireRedis } from './tools.ts'

export type TestRedis = {
  url: string
  port: number
  /** Forgets everything, the sentinel included. */
  empty(): Promise<void>
  command(...words: [string, ...string[]]): Promise<unknown>
  /** Hears what is published on any channel; returns how to stop it. */
  listen(heard: (text: string) => void): Promise<() => void>
  /** Ends the server as a crash would. */
  kill(): Promise<void>
  /** Starts it again on its port and its files. */
  start(): Promise<void>
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  close(): Promise<void>
}

/** A redis-server of the test's own, which ends with this process at the latest. Undefined: there is none to be had. */
export async function startRedis(...flags: string[]): Promise<TestRedis | undefined> {
  const binary = await requireRedis()
  if (binary === undefined) return undefined
  const dir = mkdtempSync(join(tmpdir(), 'redis-'))
  const port = await freePort()
  const safe = [
    '--appendonly',
    'yes',
    '--maxmemory-policy',
    'noeviction',
    '--save',
    '',
    '--repl-diskless-sync-delay',
    '0',
  ]
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, ...safe, ...flags]
  let child = await launch(binary, args)
  const atExit = (): void => {
    child.kill('SIGKILL')
    remove(dir)
  }
  process.once('exit', atExit)
  const command = async (...[name, ...words]: [string, ...string[]]): Promise<unknown> => {
    const client = new Redis({ port, host: '127.0.0.1' })
    try {
      return await client.call(name, words)
    } finally {
      client.disconnect()
    }
  }
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.ref()
    child.kill('SIGKILL')
    await gone
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    command,
    kill,
    async listen(heard) {
      const client = new Redis({ port, host: '127.0.0.1' })
      client.on('pmessage', (_pattern, _channel, text: string) => heard(text))
      await client.psubscribe('*')
      return () => client.disconnect()
    },
    empty: async () => void (await command('FLUSHALL')),
    async start() {
      child = await launch(binary, args)
    },
    signal: (name) => void child.kill(name),
    async close() {
      await kill()
      process.off('exit', atExit)
      remove(dir)
    },
  }
}

const PAUSE_MS = 20
const MOST_PAUSES = 250

/** A child that Redis forked for a snapshot outlives it, and may still write into the folder. */
function remove(dir: string): void {
  for (let pauses = 0; ; pauses++) {
    try {
      return rmSync(dir, { recursive: true, force: true })
    } catch (cause) {
      if (pauses === MOST_PAUSES) throw cause
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
  }
}

async function launch(binary: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('Ready to accept connections')) break
  }
  child.stdout.destroy()
  child.unref()
  return child
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
