import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Log } from '../log.ts'
import { StoreError } from './port.ts'
import type { ClientOptions, RedisAddress } from './redis-address.ts'
import type { Script } from './redis-scripts.ts'

type Argument = string | number | Buffer

/** Commands to one Redis. Each rejects with a StoreError at once while it can't be reached or isn't safe for money. */
export type RedisConnection = {
  run(script: Script, keys: readonly string[], ...args: Argument[]): Promise<unknown>
  /** As `run`, and the replicas that were asked for have it when it resolves. */
  runConfirmed(script: Script, keys: readonly string[], ...args: Argument[]): Promise<unknown>
  call(command: string, ...args: Argument[]): Promise<unknown>
  callBuffer(command: string, ...args: Argument[]): Promise<unknown>
  /** Not checked for safety: before the sentinel is there. */
  raw(command: string, ...args: Argument[]): Promise<unknown>
  close(): Promise<void>
}

/** `check` runs before the first command and after each loss of the connection; what it throws, every call does. */
export type ConnectionParts = {
  address: RedisAddress
  log: Log
  check(connection: RedisConnection): Promise<void>
}

const COMMAND_MS = 2000
const WAIT_MS = 1000
const CONNECT_MS = 5000
const LONGEST_RETRY_MS = 1000
const RECHECK_MS = 1000
const LOOK_AGAIN_MS = 5000

/** How every connection comes back: also when the one that it had hangs, or is not the primary any more. */
export const COMING_BACK = {
  retryStrategy: (times) => Math.min(LONGEST_RETRY_MS, 50 * 2 ** Math.min(times, 5)),
  reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  connectTimeout: CONNECT_MS,
  socketTimeout: COMMAND_MS,
} as const satisfies ClientOptions

export async function connectRedis(parts: ConnectionParts): Promise<RedisConnection> {
  const client = parts.address.client({
    ...COMING_BACK,
    lazyConnect: true,
    // A question waits for nobody: while Redis is down, every command fails at once and none is sent again later.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_MS,
  })
  // Each command tells its own trouble.
  client.on('error', () => undefined)
  await connectOnce(client, parts.address)
  return new CheckedRedis(client, parts)
}

class CheckedRedis implements RedisConnection {
  readonly #client: Redis
  readonly #parts: ConnectionParts
  #closed = false
  #safe = false
  #checking: Promise<void> | undefined
  #lookAt = 0
  #refusal: { until: number; cause: unknown } | undefined

  constructor(client: Redis, parts: ConnectionParts) {
    this.#client = client
    this.#parts = parts
    client.on('close', () => {
      this.#safe = false
      this.#refusal = undefined
    })
    // What was refused while it was away is checked anew at once.
    client.on('ready', () => {
      this.#refusal = undefined
    })
  }

  run(script: Script, keys: readonly string[], ...args: Argument[]): Promise<unknown> {
    return this.#checked(() => this.#evaluate(script, keys, args))
  }

  runConfirmed(script: Script, keys: readonly string[], ...args: Argument[]): Promise<unknown> {
    if (this.#parts.address.replicas === 0) return this.run(script, keys, ...args)
    return this.#checked(() => this.#evaluateConfirmed(script, keys, args))
  }

  call(command: string, ...args: Argument[]): Promise<unknown> {
    return this.#checked(() => this.#client.call(command, args))
  }

  callBuffer(command: string, ...args: Argument[]): Promise<unknown> {
    return this.#checked(() => this.#client.callBuffer(command, args))
  }

  raw(command: string, ...args: Argument[]): Promise<unknown> {
    return this.#send(() => this.#client.call(command, args))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    // QUIT answers what is under way first.
    await this.#client.quit().catch(() => undefined)
    this.#client.disconnect()
  }

  async #checked(call: () => Promise<unknown>): Promise<unknown> {
    await this.#assertSafe()
    try {
      return await this.#send(call)
    } catch (cause) {
      // A flushed Redis forgot what was checked.
      if (cause instanceof StoreError && cause.code === 'not_initialized') this.#safe = false
      throw cause
    }
  }

  async #send(call: () => Promise<unknown>): Promise<unknown> {
    if (this.#closed) throw new StoreError('closed', 'the store is closed')
    try {
      return await call()
    } catch (cause) {
      throw storeError(cause, this.#parts.address)
    }
  }

  async #assertSafe(): Promise<void> {
    if (this.#safe || this.#closed) return
    if (this.#refusal && performance.now() < this.#refusal.until) throw this.#refusal.cause
    this.#checking ??= this.#check()
    await this.#checking
  }

  async #check(): Promise<void> {
    try {
      await this.#parts.check(this)
      this.#safe = true
    } catch (cause) {
      this.#refusal = { until: performance.now() + RECHECK_MS, cause }
      if (cause instanceof StoreError && cause.code === 'replica') this.#lookAgain()
      throw cause
    } finally {
      this.#checking = undefined
    }
  }

  async #evaluate({ lua, sha }: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    try {
      return await this.#client.call('EVALSHA', [sha, keys.length, ...keys, ...args])
    } catch (cause) {
      if (!(cause instanceof Error && cause.message.startsWith('NOSCRIPT'))) throw cause
      return this.#client.call('EVAL', [lua, keys.length, ...keys, ...args])
    }
  }

  /** Another may be the primary by now, while this one goes on answering: connects anew, now and then. */
  #lookAgain(): void {
    if (this.#client.status !== 'ready' || performance.now() < this.#lookAt) return
    this.#lookAt = performance.now() + LOOK_AGAIN_MS
    this.#client.disconnect(true)
  }

  /** WAIT goes out right behind, on the same connection: it counts what that connection wrote. */
  async #evaluateConfirmed(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const { replicas } = this.#parts.address
    await this.#client.call('SCRIPT', ['LOAD', script.lua])
    const [answer, copies] = await Promise.all([
      this.#client.call('EVALSHA', [script.sha, keys.length, ...keys, ...args]),
      this.#client.call('WAIT', [replicas, WAIT_MS]),
    ])
    if (Number(copies) >= replicas) return answer
    this.#lookAgain()
    throw new StoreError('unconfirmed', `${String(copies)} of ${replicas} replicas confirmed`)
  }
}

async function connectOnce(client: Redis, { place }: RedisAddress): Promise<void> {
  const failed = (cause: unknown): never => {
    client.disconnect()
    throw new StoreError(
      'unreachable',
      `${place} can't be reached (${messageOf(cause)}): start it, or correct the address`,
    )
  }
  const giveUp = new AbortController()
  const late = pause(CONNECT_MS, undefined, { signal: giveUp.signal, ref: false }).then(() => {
    throw new Error('no answer')
  })
  // The last error tells more than the end of the attempt does.
  let last: unknown
  client.once('error', (cause) => (last = cause))
  await Promise.race([client.connect(), late]).catch((cause) => failed(last ?? cause))
  late.catch(() => undefined)
  giveUp.abort()
}

export const NOT_INITIALIZED =
  'this Redis is fresh, or has lost what was spent: if it is to be used, run npm run budget -- --init'

function storeError(cause: unknown, { place }: RedisAddress): StoreError {
  if (cause instanceof StoreError) return cause
  const message = messageOf(cause)
  if (message.includes('NOTINIT')) return new StoreError('not_initialized', NOT_INITIALIZED)
  return new StoreError('unreachable', `${place}: ${message}`)
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : 'unknown')
