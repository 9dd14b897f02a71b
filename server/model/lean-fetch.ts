import { isAscii } from 'node:buffer'
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { urlToHttpOptions } from 'node:url'
import { createInbox, type Inbox } from './inbox.ts'
import type { LeanHeaders } from './lean-headers.ts'
import { type LeanReader, leanReader } from './lean-reader.ts'
import { wholeEvents } from './whole-events.ts'

/** What one call may do on the wire, and from when on; `refuse` is told what it tried beyond that. */
export type Bounds = {
  maxBytes: number
  ready: Promise<boolean> | undefined
  refuse(why: 'too_large' | 'upstream_error' | 'store'): void
}

/** To be waited for before anything is sent. Rejects when the request may not be. */
export async function untilReady({ ready, refuse }: Bounds): Promise<void> {
  if (ready === undefined || (await ready)) return
  refuse('store')
  throw new Error('not to be sent')
}

/** As much of a Response as Google's SDK reads: an error's JSON, or a body of text without the platform's streams. */
export type LeanResponse = {
  ok: boolean
  status: number
  statusText: string
  json(): Promise<unknown>
  body: { pipeThrough(): { getReader(): LeanReader<string> } }
}
type Init = { method: string; headers: LeanHeaders; body: string }
export type LeanFetch = (url: string, init: Init) => Promise<LeanResponse>

// As long as undici keeps them: a server that closes an idle socket must not meet a question on its way.
const IDLE_MS = 4000
const agents = {
  'http:': new HttpAgent({ keepAlive: true, timeout: IDLE_MS }),
  'https:': new HttpsAgent({ keepAlive: true, timeout: IDLE_MS }),
}

type Target = { request: typeof httpRequest; options: RequestOptions }
const targets = new Map<string, Target>()

/** What a URL says to node:http. There are a handful of them, one for each model. */
function targetOf(url: string): Target {
  const known = targets.get(url)
  if (known) return known
  const parsed = new URL(url)
  const target =
    parsed.protocol === 'https:'
      ? { request: httpsRequest, agent: agents['https:'] }
      : { request: httpRequest, agent: agents['http:'] }
  const made = { request: target.request, options: { ...urlToHttpOptions(parsed), agent: target.agent } }
  targets.set(url, made)
  return made
}

/** A fetch of one call over node:http, until `signal`: no redirects, no more than `maxBytes`, text in whole events. */
export function leanFetch(bounds: Bounds, signal: AbortSignal): LeanFetch {
  return (url, { method, headers, body }) => {
    const bytes = Buffer.from(body)
    const sent = { ...headers.all, 'content-length': bytes.length }
    const { call, answered } = begin(url, { method, headers: sent }, bounds, signal)
    // The connection may be made meanwhile; nothing goes over it before.
    untilReady(bounds).then(
      () => call.end(bytes),
      (error) => call.destroy(error),
    )
    return answered
  }
}

type Begun = { call: ClientRequest; answered: Promise<LeanResponse> }

/** On its own, because what listens here lives as long as the answer, and would keep the question's bytes as long. */
function begin(url: string, how: RequestOptions, bounds: Bounds, signal: AbortSignal): Begun {
  const { request, options } = targetOf(url)
  const call = request({ ...options, ...how })
  const answered = new Promise<LeanResponse>((resolve, reject) => {
    const abort = () => call.destroy(new DOMException('aborted', 'AbortError'))
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    call.on('response', (response) => {
      const { statusCode: status = 0 } = response
      if (status >= 300 && status < 400) bounds.refuse('upstream_error')
      resolve(leanResponse(response, bounds))
    })
    call.on('error', reject)
    call.on('close', () => signal.removeEventListener('abort', abort))
  })
  return { call, answered }
}

type Answer = Readable & { statusCode?: number | undefined; statusMessage?: string | undefined }

/** What Google's SDK reads of an answer whose head has come. */
export function leanResponse(response: Answer, bounds: Bounds): LeanResponse {
  const { statusCode: status = 0, statusMessage: statusText = '' } = response
  const inbox = textOf(response, bounds)
  const json = async () => {
    let text = ''
    for (let next = await inbox.read(); !next.done; next = await inbox.read()) text += next.value
    return JSON.parse(text)
  }
  const body = { pipeThrough: () => ({ getReader: () => leanReader(inbox) }) }
  return { ok: status >= 200 && status < 300, status, statusText, json, body }
}

// JSON may hold these as they are, but the SDK's pattern for an event ends its line at them. A text of one byte a character
// holds none, which V8 knows without looking.
const escaped = (text: string): string =>
  text.includes('\u2028') || text.includes('\u2029')
    ? text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
    : text

const LAST_ASCII = 0x7f

/** Bytes in pieces -> text; throws on what is no UTF-8. A piece of ASCII needs no decoder, and takes a third of its time. */
function utf8Decoder(): (piece: Buffer) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  // It looks for a byte order mark in the first piece, and holds a part of a character after any that ends in one.
  let midway = true
  return (piece) => {
    if (!midway && isAscii(piece)) return piece.toString('latin1')
    const text = decoder.decode(piece, { stream: true })
    const last = piece.at(-1)
    if (last !== undefined) midway = last > LAST_ASCII
    return text
  }
}

function textOf(response: Readable, { maxBytes, refuse }: Bounds): Inbox<string> {
  const inbox = createInbox<string>()
  const decode = utf8Decoder()
  const events = wholeEvents()
  let bytes = 0
  const push = (text: string) => {
    if (text !== '') inbox.push(escaped(text))
  }
  response.on('data', (piece: Buffer) => {
    bytes += piece.length
    if (bytes > maxBytes) return refuse('too_large')
    try {
      push(events.push(decode(piece)))
    } catch (error) {
      response.destroy()
      inbox.fail(error)
    }
  })
  response.on('end', () => {
    push(events.rest())
    inbox.end()
  })
  response.on('error', inbox.fail)
  return inbox
}
