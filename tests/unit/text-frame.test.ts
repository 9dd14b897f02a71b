import { once } from 'node:events'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket, WebSocketServer } from 'ws'
import { textFrame } from '../../server/socket/text-frame.ts'

/** What a client of ws hears when `frames` are written to its socket. */
async function heard(frames: readonly Buffer[]): Promise<string[]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (ws, request) => {
    for (const frame of frames) request.socket.write(frame)
    ws.close()
  })
  await once(server, 'listening')
  const at = server.address()
  const client = new WebSocket(`ws://127.0.0.1:${typeof at === 'object' ? at?.port : at}`)
  const texts: string[] = []
  client.on('message', (data: Buffer, isBinary) => texts.push(isBinary ? 'binary' : data.toString()))
  const [code] = await once(client, 'close')
  server.close()
  assert.is(code, 1005)
  return texts
}

test('a text of any length comes as it is, around both bounds where the head grows', async () => {
  const texts = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000].map((length) => '.'.repeat(length))
  assert.equal(
    texts.map((text) => textFrame(text).length - text.length),
    [2, 2, 2, 4, 4, 4, 10, 10],
  )
  assert.equal(await heard(texts.map(textFrame)), texts)
})

test('the length is that of the bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { maxLength: 5 }), async (texts) => {
      assert.equal(await heard(texts.map(textFrame)), texts)
    }),
  )
})

test.run()
