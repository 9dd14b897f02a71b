// The floor: a WebSocket relay over the same SDK that has no limits, no ledger, no resume.
import { GoogleGenerativeAI } from '@google/generative-ai'
import { WebSocketServer } from 'ws'

const baseUrl = process.argv[2]
const model = new GoogleGenerativeAI('key-of-the-bench').getGenerativeModel(
  { model: 'gemini-3.5-flash-lite', generationConfig: { maxOutputTokens: 16000 } },
  { baseUrl },
)
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 4096 })

server.on('connection', (socket) =>
  socket.on('message', async (data) => {
    const { text } = JSON.parse(data)
    const { stream } = await model.generateContentStream(text)
    for await (const chunk of stream) socket.send(JSON.stringify({ type: 'delta', text: chunk.text() }))
    socket.send('{"type":"done"}')
  }),
)
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}`))
process.once('SIGINT', () => process.exit(0))
