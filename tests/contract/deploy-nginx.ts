import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { connect, createServer, type LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { WebSocket } from 'ws'

export const DOMAIN = 'chat.example.com'

/** A real nginx on loopback with a certificate of its own. */
export type TestNginx = {
  http: number
  https: number
  /** The certificate's file, and its text for clients that are to trust it. */
  cert: string
  ca: string
  /** Has it read another configuration (a text of nginx.conf's kind). */
  reload(conf: string): Promise<void>
  close(): Promise<void>
}
export type NginxPlaces = { binary: string; openssl: string; upstream: readonly number[] }

/** deploy/nginx.conf, with deploy/nginx-upstream.conf in its place when there are several nodes. */
export async function deployedConf(nodes: number): Promise<string> {
  const conf = await readFile('deploy/nginx.conf', 'utf8')
  if (nodes === 1) return conf
  const upstream = await readFile('deploy/nginx-upstream.conf', 'utf8')
  const two = /^ {2}server 127\.0\.0\.1:8081(.*\n) {2}server 127\.0\.0\.1:8082.*\n/m
  const all = upstream.replace(two, (_, rest: string) => `  server 127.0.0.1:8081${rest}`.repeat(nodes))
  return conf.replace(/^upstream le_mecano \{.*?^\}\n/ms, all)
}

export async function startNginx(conf: string, { binary, openssl, upstream }: NginxPlaces): Promise<TestNginx> {
  const dir = await mkdtemp(join(tmpdir(), 'le-mecano-nginx-'))
  const [cert, key, file] = [join(dir, 'cert.pem'), join(dir, 'key.pem'), join(dir, 'nginx.conf')]
  await makeCertificate(openssl, cert, key)
  const [http = 0, https = 0] = await freePorts(2)
  const write = (text: string) => writeFile(file, onLoopback(text, { dir, http, https, cert, key, upstream }))
  await write(conf)
  await mkdir(join(dir, 'www'))
  const flags = ['-p', dir, '-c', file, '-e', 'stderr']
  await promisify(execFile)(binary, ['-t', '-q', ...flags])
  const child = spawn(binary, [...flags, '-g', 'daemon off;'], { stdio: ['ignore', 'ignore', 'inherit'] })
  while (!(await answers(https))) await setImmediate()
  return {
    http,
    https,
    cert,
    ca: await readFile(cert, 'utf8'),
    async reload(text) {
      await write(text)
      await promisify(execFile)(binary, [...flags, '-s', 'reload'])
    },
    async close() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

type Here = { dir: string; http: number; https: number; cert: string; key: string; upstream: readonly number[] }

/** The same configuration as a whole one, on these ports and files. */
function onLoopback(conf: string, { dir, http, https, cert, key, upstream }: Here): string {
  let node = 0
  const placed = conf
    .replace(/^ *listen \[::\].*\n/gm, '')
    .replace(/listen 80;/, `listen 127.0.0.1:${http};`)
    .replace(/listen 443 ssl;/, `listen 127.0.0.1:${https} ssl;`)
    .replace(/ssl_certificate \S+;/, `ssl_certificate ${cert};`)
    .replace(/ssl_certificate_key \S+;/, `ssl_certificate_key ${key};`)
    .replace('/var/log/nginx/', `${dir}/`)
    .replace(/server 127\.0\.0\.1:\d+/g, () => `server 127.0.0.1:${upstream[node++]}`)
  const user = process.getuid?.() === 0 ? 'user root;\n' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((it) => `${it}_temp_path ${dir}/${it};\n`)
  return `${user}worker_processes 1;\npid ${dir}/pid;\nevents {}\nhttp {\n${temporary.join('')}${placed}}\n`
}

/** For the name alone, as long as a real one. */
async function makeCertificate(openssl: string, cert: string, key: string): Promise<void> {
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90']
  const name = ['-subj', `/CN=${DOMAIN}`, '-addext', `subjectAltName=DNS:${DOMAIN}`]
  await promisify(execFile)(openssl, ['req', '-x509', ...kind, ...name, '-keyout', key, '-out', cert])
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

/** All held before any is let go: one by one the system may give the same port again. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  })
  for (const server of servers) server.close()
  await Promise.all(servers.map((server) => once(server, 'close')))
  return ports
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** The name leads here, as DNS would lead it to the machine. */
const toLoopback: LookupFunction = (_, { all }, done) =>
  all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)

/** Where a socket comes from and what it asks for: a visitor's, unless it is named otherwise. */
export type Door = { headers?: Record<string, string>; from?: string; path?: string; protocol?: string }
export type Opened = { status: number; server: string; socket: WebSocket }

export function openSocket({ https, ca }: TestNginx, door: Door = {}): Promise<Opened> {
  const { headers, from, path = '/ws', protocol = 'le-mecano.v1' } = door
  const local = from === undefined ? {} : { localAddress: from }
  const socket = new WebSocket(`wss://${DOMAIN}:${https}${path}`, protocol, {
    ca,
    lookup: toLoopback,
    headers: headers ?? {},
    ...local,
  })
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve({ status: 101, server: '', socket }))
    socket.once('unexpected-response', (_, { statusCode = 0, headers }) => {
      socket.once('error', () => {})
      socket.terminate()
      resolve({ status: statusCode, server: String(headers.server), socket })
    })
    socket.once('error', reject)
  })
}

export type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: string }
export async function get(
  { https, ca }: TestNginx,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const whom = { host: DOMAIN, servername: DOMAIN, port: https, ca, lookup: toLoopback, agent: false }
  const asked = request({ ...whom, path, headers })
  asked.end()
  const [response] = await once(asked, 'response')
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part)
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() }
}
