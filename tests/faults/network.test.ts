import { test } from 'uvu'
import { saidOf, visit } from '../attacks/visitor.ts'
import { buildApp } from '../helpers/built-app.ts'
import { cuttingProxy } from '../helpers/cutting-proxy.ts'
import { dial, get, parseAnswer, readAll } from '../helpers/raw-http.ts'
import { handshake, type RawSocket, rawSocket } from '../helpers/raw-socket.ts'
import { type FaultToll, fault, leave, times } from './fault.ts'
import { type FaultyTarget, openFaulty } from './faulty.ts'
import { CHUNKS, TEXT } from './outage.ts'

const app = buildApp()
const open = async () => openFaulty({ app: await app })
const address = ({ url }: FaultyTarget) => ({ ws: `${url.replace('http', 'ws')}/ws` })

/** Asks through a proxy that cuts after so many bytes, comes back, and has the whole text of one call. */
async function cutAndBack(target: FaultyTarget, bytes: number, toll: FaultToll): Promise<void> {
  const { requests } = target.emulator.ledger()
  const proxy = await cuttingProxy(address(target), { bytesAtOnce: 1 })
  const through = { url: proxy.ws.replace('ws:', 'http:').replace('/ws', '') }
  const visitor = await visit(through)
  proxy.cutAt(proxy.passed + bytes)
  visitor.socket.say({ type: 'ask', id: 'q', text: 'Combien ?' })
  const before = await saidOf(visitor.socket, 'q')
  await target.emulator.changed((ledger) => ledger.requests === requests + 1)
  const { session } = visitor.welcome
  const back = await rawSocket(target.url)
  back.say({ type: 'hello', session, answer: { id: 'q', offset: before.text.length } })
  const after = before.end ? before : await saidOf(back, 'q', before.text)
  toll.tried()
  if (after.text !== TEXT || after.end?.type !== 'done') toll.lost(`cut after ${bytes} bytes: ${after.text}`)
  if (target.emulator.ledger().requests !== requests + 1) toll.lost(`cut after ${bytes} bytes: called again`)
  back.destroy()
  leave(visitor)
  await proxy.close()
}

fault('a proxy that passes one byte at a time, and is cut', open, async (target, toll) => {
  target.emulator.setScenario({ name: 'ok', chunks: CHUNKS })
  for (let bytes = 1; bytes < 600; bytes += times(40, 3)) await cutAndBack(target, bytes, toll)
})

/** What a client has said before it says no more, though it still listens. */
const STAGES: readonly [name: string, reach: (target: FaultyTarget) => Promise<RawSocket>][] = [
  ['after the handshake', ({ url }) => rawSocket(url)],
  ['after hello', async (target) => (await visit(target)).socket],
  [
    'in the middle of an answer',
    async (target) => {
      const { socket, next } = await visit(target)
      socket.say({ type: 'ask', id: 'q', text: 'Combien ?' })
      await next('start')
      return socket
    },
  ],
]

fault('clients that close their half of the connection', open, async (target, toll) => {
  const { emulator } = target
  for (let round = 0; round < times(5, 50); round++) {
    for (const [name, reach] of STAGES) {
      emulator.setScenario({ name: 'ok', gated: true, chunks: CHUNKS })
      const socket = await reach(target)
      socket.finish()
      // The server ends its half, too; nothing is kept for somebody who can't speak.
      const end = await socket.next(() => false)
      emulator.release(CHUNKS.length)
      toll.tried()
      if (end) toll.lost(name)
    }
    for (const bytes of [handshake().slice(0, 60), get('/healthz')]) {
      const tcp = dial(target.url)
      tcp.end(bytes)
      const { status } = parseAnswer(await readAll(tcp))
      toll.tried()
      if (status !== (bytes.includes('healthz') ? 200 : 400)) toll.lost(`${JSON.stringify(bytes)}: ${status}`)
    }
  }
  emulator.setScenario(null)
})

test('the built copy is removed', async () => (await app).remove())

test.run()
