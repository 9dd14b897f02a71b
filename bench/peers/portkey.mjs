// Portkey's gateway as its package starts it, on a free port; it may call loopback because it is told to trust it.
import { createServer } from 'node:net'

const probe = createServer().listen(0, '127.0.0.1', () => {
  const { port } = probe.address()
  probe.close(async () => {
    process.argv.push(`--port=${port}`, '--headless')
    await import('@portkey-ai/gateway/build/start-server.js')
    console.log(`http://127.0.0.1:${port}`)
  })
})
process.once('SIGINT', () => process.exit(0))
