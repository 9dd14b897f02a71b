import { connect, type Socket } from 'node:net'

export type RawAnswer = { status: number; headers: ReadonlyMap<string, string>; body: string; bytes: string }

/** A TCP connection to http://host:port; bytes go as they are, nothing is polite. */
export function dial(url: string): Socket {
  const { hostname, port } = new URL(url)
  // What a test sends after the server has hung up is no failure.
  return connect({ host: hostname, port: Number(port), noDelay: true }).on('error', () => {})
}

/** All that comes until the other side ends. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(chunks).toString('latin1')
}

/** Sends a request's bytes and reads until the server ends the connection. */
export async function exchange(url: string, request: string): Promise<RawAnswer> {
  const socket = dial(url)
  socket.write(request, 'latin1')
  return parseAnswer(await readAll(socket))
}

/** `get('/x', 'Accept: a')` -> a request that asks for the end of the connection. */
export const get = (path: string, ...headers: readonly string[]): string => request('GET', path, ...headers)

export const request = (method: string, path: string, ...headers: readonly string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: chat.example', 'Connection: close', ...headers, '', ''].join('\r\n')

/** The first answer in the bytes; status 0: there was none. */
export function parseAnswer(bytes: string): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n')
  const [first = '', ...lines] = bytes.slice(0, Math.max(0, end)).split('\r\n')
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? 0)
  return { status, headers: new Map(pairs), body: end < 0 ? '' : bytes.slice(end + 4), bytes }
}
