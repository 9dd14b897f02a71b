// Says hello, then nonsense, and prints every frame that comes back: node deploy/probe.mjs wss://chat.example.com/ws
// Ends with 0 once both are answered, with 1 and a sentence when they aren't within 8 s.
import WebSocket from 'ws'

const socket = new WebSocket(process.argv[2] ?? '', 'le-mecano.v1')
const giveUp = (why) => {
  process.stderr.write(`${why}\n`)
  process.exit(1)
}
setTimeout(() => giveUp('no answer within 8 s'), 8000).unref()
socket.on('error', (error) => giveUp(error.message || String(error)))
socket.on('open', () => socket.send('{"type":"hello"}'))
socket.on('message', (data) => {
  process.stdout.write(`${data}\n`)
  const { type } = JSON.parse(String(data))
  if (type === 'welcome') socket.send('{"type":"nonsense"}')
  if (type === 'error') socket.close(1000)
})
socket.on('close', (code) => (code === 1000 ? process.exit(0) : giveUp(`closed with ${code}`)))
