import { Agent, request } from 'node:http'
import { WebSocket } from 'ws'
import { SUBPROTOCOL } from '../../protocol/messages.ts'

/** One visitor of a contestant: asks one question at a time, hears pieces of text as they come. */
export type Client = { ask(onText: (text: string) => void): Promise<void>; close(): void; pause(): void }
export type Where = { url: string; upstream: string; localAddress?: string }
export type ClientKind = 'direct' | 'ours' | 'ws' | 'socketio' | 'vercel' | 'portkey'

const QUESTION = 'Combien coûte une révision ?'
const KEY = 'key-of-the-bench'
const MODEL = 'gemini-3.5-flash-lite'
const MAX_TOKENS = 16_000

/** Opens a client of that kind, ready to ask. */
export function openClient(kind: ClientKind, where: Where): Promise<Client> {
  switch (kind) {
    case 'ours':
      return openSocket(where, ours)
    case 'ws':
      return openSocket(where, plain)
    case 'socketio':
      return openSocket(where, socketio)
    case 'direct': {
      const contents = [{ role: 'user', parts: [{ text: QUESTION }] }]
      const path = `/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`
      const body = { contents, generationConfig: { maxOutputTokens: MAX_TOKENS } }
      return openHttp(`${where.upstream}${path}`, { 'x-goog-api-key': KEY }, body)
    }
    case 'vercel':
      return openHttp(where.url, {}, { text: QUESTION })
    case 'portkey': {
      const messages = [{ role: 'user', content: QUESTION }]
      const headers = {
        authorization: `Bearer ${KEY}`,
        'x-portkey-provider': 'google',
        'x-portkey-custom-host': where.upstream,
      }
      const body = { model: MODEL, stream: true, max_tokens: MAX_TOKENS, messages }
      return openHttp(`${where.url}/v1/chat/completions`, headers, body)
    }
  }
}

/** How a contestant talks over its WebSocket. Endings are known by how a frame begins: parsing is not what is measured. */
type Talk = {
  path: string
  protocol?: string
  hello?: string
  /** The frame after which questions may come; undefined: at once. */
  greeted?: string
  ask(n: number): string
  done: string
  failed?: string
  /** A frame that wants this answer. */
  echo?: readonly [heard: string, answer: string]
}

const ours: Talk = {
  path: '/ws',
  protocol: SUBPROTOCOL,
  hello: '{"type":"hello"}',
  greeted: '{"type":"welcome"',
  ask: (n) => JSON.stringify({ type: 'ask', id: `q${n}`, text: QUESTION }),
  done: '{"type":"done"',
  failed: '{"type":"error"',
}
const plain: Talk = {
  path: '/',
  ask: () => JSON.stringify({ text: QUESTION }),
  done: '{"type":"done"',
}
// Engine.IO 4 and Socket.IO 5, as much of them as a question takes.
const socketio: Talk = {
  path: '/socket.io/?EIO=4&transport=websocket',
  hello: '40',
  greeted: '40',
  ask: () => `42${JSON.stringify(['ask', QUESTION])}`,
  done: '42["done"',
  echo: ['2', '3'],
}

type Waiting = { onText: (text: string) => void; resolve: () => void; reject: (error: Error) => void }

function openSocket({ url, localAddress }: Where, talk: Talk): Promise<Client> {
  const options = { perMessageDeflate: false, ...(localAddress && { localAddress }) }
  const socket = new WebSocket(`${url.replace('http', 'ws')}${talk.path}`, talk.protocol ?? [], options)
  let waiting: Waiting | undefined
  let asked = 0
  const client: Client = {
    ask: (onText) =>
      new Promise((resolve, reject) => {
        waiting = { onText, resolve, reject }
        socket.send(talk.ask(++asked))
      }),
    close: () => socket.terminate(),
    pause: () => socket.pause(),
  }
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      if (talk.hello !== undefined) socket.send(talk.hello)
      if (talk.greeted === undefined) resolve(client)
    })
    socket.on('message', (data) => {
      const text = data.toString()
      if (talk.echo?.[0] === text) return socket.send(talk.echo[1])
      if (talk.greeted !== undefined && text.startsWith(talk.greeted)) return resolve(client)
      if (talk.failed !== undefined && text.startsWith(talk.failed)) return waiting?.reject(new Error(text))
      if (text.startsWith(talk.done)) return waiting?.resolve()
      waiting?.onText(text)
    })
    const fail = (error: Error) => {
      reject(error)
      waiting?.reject(error)
    }
    socket.once('error', fail)
    socket.once('close', (code) => fail(new Error(`closed: ${code}`)))
  })
}

const agent = new Agent({ keepAlive: true })

async function openHttp(url: string, more: Record<string, string>, body: unknown): Promise<Client> {
  const headers = { 'content-type': 'application/json', ...more }
  const ask: Client['ask'] = (onText) =>
    new Promise((resolve, reject) => {
      const call = request(url, { method: 'POST', headers, agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`))
        response.setEncoding('utf8').on('data', onText).on('end', resolve).on('error', reject)
      })
      call.on('error', reject)
      call.end(JSON.stringify(body))
    })
  return { ask, close: () => {}, pause: () => {} }
}
