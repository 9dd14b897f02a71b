import { Redis, type RedisOptions } from 'ioredis'
import { StoreError } from './port.ts'

/**
 * Where STORE_URL leads: `redis://` or `rediss://host:port`, or by Sentinels, `redis+sentinel://host:port,host:port/name`.
 * `?replicas=n`: a reserve counts only once that many replicas have it.
 */
export type RedisAddress = {
  /** For sentences: no secret is in it. */
  place: string
  replicas: number
  client(options: ClientOptions): Redis
}
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>

const SENTINELS = /^redis\+sentinel:\/\/(?:([^@/]*)@)?([^@/?]+)\/([\w.-]+)(\?.*)?$/
const SENTINEL_PORT = '26379'
const SENTINEL_MS = 2000

/** Throws a StoreError: `bad_url`. */
export function parseRedisAddress(given: string): RedisAddress {
  return given.startsWith('redis+sentinel:') ? bySentinels(given) : direct(given)
}

function direct(given: string): RedisAddress {
  if (!URL.canParse(given)) throw bad('not an address such as redis://127.0.0.1:6379')
  const url = new URL(given)
  const replicas = replicasOf(url.searchParams)
  url.searchParams.delete('replicas')
  const { href } = url
  return { place: `Redis at ${url.host}`, replicas, client: (options) => new Redis(href, options) }
}

function bySentinels(given: string): RedisAddress {
  const [, login = '', hosts = '', name = '', query] = SENTINELS.exec(given) ?? []
  const sentinels = hosts.split(',').map(sentinelOf)
  const replicas = replicasOf(new URLSearchParams(query))
  // Sentinel replaces a primary by itself, and what only that one had is gone.
  if (replicas === 0) throw bad('by Sentinel it needs ?replicas=1 or more: what counts must outlive a failover')
  const { username, password } = new URL(`redis://${login}@sentinel`)
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)]
  const auth = { ...(user !== '' && { username: user }), ...(secret !== '' && { password: secret }) }
  const place = `Redis “${name}” of Sentinel ${hosts}`
  // Without ioredis's failoverDetector: a failover that it hears of while it connects ends the client for good.
  const options = { sentinels, name, ...auth, sentinelCommandTimeout: SENTINEL_MS }
  return { place, replicas, client: (more) => new Redis({ ...options, ...more }) }
}

function sentinelOf(given: string): { host: string; port: number } {
  const place = `redis://${given}`
  if (given === '' || !URL.canParse(place)) throw bad('not an address such as redis+sentinel://10.0.0.1,10.0.0.2/name')
  const { hostname, port } = new URL(place)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || SENTINEL_PORT) }
}

function replicasOf(params: URLSearchParams): number {
  const replicas = params.get('replicas') ?? '0'
  if (!/^\d$/.test(replicas)) throw bad('replicas is a number from 0 to 9')
  return Number(replicas)
}

const bad = (reason: string): StoreError => new StoreError('bad_url', reason)
