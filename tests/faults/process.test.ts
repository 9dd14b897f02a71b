import { test } from 'uvu'
import { openTarget } from '../attacks/target.ts'
import { saidOf, visit } from '../attacks/visitor.ts'
import { buildApp } from '../helpers/built-app.ts'
import { type RawSocket, rawSocket } from '../helpers/raw-socket.ts'
import { requireTool } from '../helpers/tools.ts'
import { fault, leave, times } from './fault.ts'
import { openFaulty } from './faulty.ts'
import { CHUNKS, TEXT } from './outage.ts'

const app = buildApp()
/** Longer than the model may be silent: what has come meanwhile is read all the same. */
const BLOCKED_MS = times(1300, 5000)
const PATIENCE = { FIRST_CHUNK_TIMEOUT_MS: '1000', CHUNK_TIMEOUT_MS: '1000' }

fault(
  'the event loop is blocked for seconds in the middle of questions',
  async () => openFaulty({ app: await app, env: PATIENCE }),
  async (target, toll) => {
    target.emulator.setScenario({ name: 'ok', chunks: CHUNKS })
    for (const kind of ['visitor', 'upstream'])
      for (let at = 0; at < times(2, 5); at++) {
        const crowd = await Promise.all([visit(target), visit(target)])
        target.order({ does: 'block', kinds: [kind], at, ms: BLOCKED_MS })
        for (const { socket } of crowd) socket.say({ type: 'ask', id: 'q', text: 'Combien ?' })
        for (const { socket } of crowd) {
          const { text, end } = await saidOf(socket, 'q')
          toll.tried()
          if (text !== TEXT || end?.type !== 'done' || end.reason !== 'complete')
            toll.lost(`${kind} ${at}: ${text} ${JSON.stringify(end)}`)
        }
        target.order(null)
        crowd.forEach(leave)
      }
  },
)

const prlimit = await requireTool({ name: 'prlimit', binaries: ['prlimit'], debianPackage: 'util-linux' })
if (prlimit) {
  const DESCRIPTORS = 200
  fault(
    'there are few descriptors, and many who connect',
    async () => openTarget({ app: await app, through: [prlimit, `--nofile=${DESCRIPTORS}`] }),
    async (target, toll) => {
      const inside = await visit(target)
      const open: RawSocket[] = []
      for (let n = 0; n < times(2, 10) * DESCRIPTORS; n++) {
        const socket = await rawSocket(target.url)
        toll.tried()
        if (socket.answer.status === 101) open.push(socket)
        else if (![503, 0].includes(socket.answer.status)) toll.lost(`refused with ${socket.answer.status}`)
        if (n % 20 === 0 && (await inside.ask(`q${n}`))?.type !== 'done') toll.lost(`${n}: who is inside is not served`)
      }
      if ((target.descriptors() ?? 0) >= DESCRIPTORS) toll.lost('no descriptor is left')
      if (!/only \d+ connections at once: .*ulimit/.test(target.printed())) toll.lost('the start says nothing of it')
      if (!target.printed().includes('"cause":"full"')) toll.lost('nothing is said of it')
      for (const socket of open) socket.destroy()
      leave(inside)
    },
  )
}

test('the built copy is removed', async () => (await app).remove())

test.run()
