// The physical limit: a WebSocket relay over plain HTTP, each event parsed and sent, and nothing else.
import { Agent, request } from 'node:http'
import { WebSocketServer } from 'ws'

const url = `${process.argv[2]}/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse`
const headers = { 'x-goog-api-key': 'key-of-the-bench', 'content-type': 'application/json' }
const agent = new Agent({ keepAlive: true })
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 4096 })

function relay(socket, text) {
  const call = request(url, { method: 'POST', headers, agent }, (response) => {
    let rest = ''
    response.setEncoding('utf8').on('data', (piece) => {
      const events = (rest + piece).split('\r\n\r\n')
      rest = events.pop()
      for (const event of events) {
        const { parts } = JSON.parse(event.slice('data: '.length)).candidates[0].content
        socket.send(JSON.stringify({ type: 'delta', text: parts[0].text }))
      }
    })
    response.on('end', () => socket.send('{"type":"done"}'))
  })
  const contents = [{ role: 'user', parts: [{ text }] }]
  call.end(JSON.stringify({ contents, generationConfig: { maxOutputTokens: 16000 } }))
}

server.on('connection', (socket) => socket.on('message', (data) => relay(socket, JSON.parse(data).text)))
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}`))
process.once('SIGINT', () => process.exit(0))
