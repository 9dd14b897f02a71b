// The same relay as bare.mjs with socket.io in place of ws.
import { createServer } from 'node:http'
import { GoogleGenerativeAI } from '@google/generative-ai'
import { Server } from 'socket.io'

const baseUrl = process.argv[2]
const model = new GoogleGenerativeAI('key-of-the-bench').getGenerativeModel(
  { model: 'gemini-3.5-flash-lite', generationConfig: { maxOutputTokens: 16000 } },
  { baseUrl },
)
const http = createServer()
const server = new Server(http, { transports: ['websocket'] })

server.on('connection', (socket) =>
  socket.on('ask', async (text) => {
    const { stream } = await model.generateContentStream(text)
    for await (const chunk of stream) socket.emit('delta', chunk.text())
    socket.emit('done')
  }),
)
http.listen(0, '127.0.0.1', 4096, () => console.log(`http://127.0.0.1:${http.address().port}`))
process.once('SIGINT', () => process.exit(0))
