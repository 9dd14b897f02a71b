import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answered } from './errors.ts'

const MOST_BYTES = 20 * 1024 * 1024

/** A request's body as text; undefined when its sender left or it passes 20 MB. */
export async function readBody(req: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const part of req) {
      size += part.length
      if (size > MOST_BYTES) return undefined
      parts.push(part)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(parts).toString()
}

/** Writes a whole answer. */
export function send(res: ServerResponse, { status, headers, body }: Answered): void {
  res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  res.end(body)
}
