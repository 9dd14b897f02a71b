import { test } from 'uvu'
import { buildApp } from '../helpers/built-app.ts'
import { handshake, knock } from '../helpers/raw-socket.ts'
import { attack, attackAlone, times } from './attack.ts'
import { openTarget, type Target } from './target.ts'
import { visit } from './visitor.ts'

const app = buildApp()
const BURST = 20
/** Real limits for addresses, behind a trusted proxy. */
const bounded = {
  IP_UPGRADE_BURST: String(BURST),
  IP_UPGRADES_PER_MINUTE: '1',
  MAX_CONNECTIONS_PER_IP: '3',
  IP_ASK_BURST: '5',
  IP_ASKS_PER_MINUTE: '0.1',
}
let opened: Promise<Target> | undefined
const target = () => (opened ??= app.then((built) => openTarget({ app: built, env: bounded })))

const statusFrom = async ({ url }: Target, address: string) =>
  (await knock(url, handshake({ 'X-Forwarded-For': address }))).status
/** What a bucket of one upgrade a minute may have let in since then. */
const mostSince = (from: number) => BURST + Math.ceil((performance.now() - from) / 60_000)

attack(11, 'thousands of addresses of one /64', target, async (target, toll) => {
  const from = performance.now()
  let admitted = 0
  for (let n = 1; n <= times(1000, 10_000); n++) {
    const address = `2001:db8:1:2:${(n * 7919).toString(16).slice(-4)}::${n.toString(16)}`
    if ((await statusFrom(target, address)) === 101) admitted++
    toll.tried()
  }
  if (admitted > mostSince(from) || admitted === 0) toll.lost(`${admitted} admitted of one client`)
  if ((await statusFrom(target, '2001:db8:9:9::1')) !== 101) toll.lost('another client is refused')
})

attack(13, 'many sockets per address, reconnect loops, a restart', target, async (target, toll) => {
  const held = await Promise.all([1, 2, 3].map(() => visit(target, '203.0.113.3')))
  for (let n = 0; n < 20; n++) {
    if ((await statusFrom(target, '203.0.113.3')) !== 429) toll.lost('one socket too many')
    toll.tried()
  }
  for (const { socket } of held) socket.destroy()
  const from = performance.now()
  let admitted = 0
  for (let n = 0; n < 60; n++) {
    if ((await statusFrom(target, '203.0.113.4')) === 101) admitted++
    toll.tried()
  }
  if (admitted > mostSince(from)) toll.lost(`${admitted} reconnects of ${mostSince(from)}`)
  const answered = async (name: string) => {
    const { ask, socket } = await visit(target, '203.0.113.5')
    const end = await ask(name)
    socket.destroy()
    toll.tried()
    return end?.type === 'done'
  }
  let answers = 0
  for (let n = 0; n < 8; n++) if (await answered(`q${n}`)) answers++
  await target.restart()
  for (let n = 0; n < 3; n++) if (await answered(`again${n}`)) answers++
  if (answers !== 5) toll.lost(`${answers} answers of 5`)
  if ((await statusFrom(target, '203.0.113.4')) === 101) toll.lost('a restart fills the buckets')
})

test('the server ends', async () => (await target()).close())

const FORGED = [
  'X-Forwarded-For',
  'Forwarded',
  'X-Real-IP',
  'CF-Connecting-IP',
  'True-Client-IP',
  'X-Client-IP',
  'X-Forwarded',
  'Via',
]

attackAlone(
  12,
  'forged forwarding headers of a stranger',
  async () => openTarget({ app: await app, env: { ...bounded, TRUSTED_PROXIES: '' } }),
  async (target, toll) => {
    const from = performance.now()
    let admitted = 0
    for (let n = 0; n < times(100, 1000); n++) {
      const name = FORGED[n % FORGED.length] ?? ''
      const value = name === 'Forwarded' ? `for=198.51.100.${n % 250}` : `198.51.100.${n % 250}`
      if ((await knock(target.url, handshake({ [name]: value }))).status === 101) admitted++
      toll.tried()
    }
    if (admitted > mostSince(from) || admitted === 0) toll.lost(`${admitted} admitted of one client`)
    if (target.printed().includes('198.51.100')) toll.lost('a forged address in the log')
    if (target.printed().split('forwarded_header_ignored').length !== 2) toll.lost('not warned about once')
  },
)

test('the built copy is removed', async () => (await app).remove())

test.run()
