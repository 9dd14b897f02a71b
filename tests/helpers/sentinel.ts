import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort, startRedis, type TestRedis } from './redis.ts'
import { requireRedis } from './tools.ts'

/** A primary, its replica, and one Sentinel that lets the replica take over when the test says so, not on a busy machine. */
export type Watched = {
  primary: TestRedis
  replica: TestRedis
  /** STORE_URL by the Sentinel, waiting for the replica. */
  url: string
  /** Has the replica take over, as when the primary is silent for long; resolves once the Sentinel says so. */
  takeOver(): Promise<void>
  close(): Promise<void>
}

const NAME = 'le-mecano'
const PATIENT = ['--repl-timeout', '60', '--repl-ping-replica-period', '1']

export async function startWatched(): Promise<Watched | undefined> {
  const binary = await requireRedis()
  const primary = await startRedis(...PATIENT)
  if (binary === undefined || !primary) return undefined
  const replica = await startRedis(...PATIENT, '--replicaof', '127.0.0.1', String(primary.port))
  if (!replica) return undefined
  while (!(await infoOf(replica)).includes('master_link_status:up')) await setImmediate()
  const sentinel = await startSentinel(binary, primary.port)
  const takeOver = async () => {
    // Refused while it hasn't heard of the replica for a while.
    while (!(await sentinel.ask('failover', NAME).catch(() => undefined))) await setImmediate()
    while (String(await sentinel.ask('get-master-addr-by-name', NAME)) !== `127.0.0.1,${replica.port}`)
      await setImmediate()
  }
  return {
    primary,
    replica,
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/${NAME}?replicas=1`,
    takeOver,
    async close() {
      await sentinel.close()
      await Promise.all([primary.close(), replica.close()])
    },
  }
}

const infoOf = async (server: TestRedis): Promise<string> => String(await server.command('INFO', 'replication'))

async function startSentinel(binary: string, primaryPort: number) {
  const dir = mkdtempSync(join(tmpdir(), 'sentinel-'))
  const port = await freePort()
  const file = join(dir, 'sentinel.conf')
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} 1`,
    `sentinel down-after-milliseconds ${NAME} 60000`,
    `sentinel failover-timeout ${NAME} 10000`,
  ]
  writeFileSync(file, `${settings.join('\n')}\n`)
  const child = spawn(binary, [file, '--sentinel'], { stdio: 'ignore' })
  child.unref()
  const atExit = () => void child.kill('SIGKILL')
  process.once('exit', atExit)
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20 })
  client.on('error', () => undefined)
  const ask = (...words: string[]) => client.call('SENTINEL', words)
  // Whom it doesn't know it can't promote.
  while (!/slave/.test(String(await ask('replicas', NAME)))) await setImmediate()
  return {
    port,
    ask,
    async close() {
      client.disconnect()
      process.off('exit', atExit)
      const gone = once(child, 'exit')
      child.ref()
      child.kill('SIGKILL')
      await gone
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
