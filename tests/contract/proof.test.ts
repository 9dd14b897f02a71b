import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ServerMessage } from '../../protocol/messages.ts'
import { parseServerMessage } from '../../protocol/parse.ts'
import { systemClock } from '../../server/clock.ts'
import { startServer, type TestServer, type TestServerOptions } from '../helpers/server.ts'
import { solveProof } from '../helpers/solve-proof.ts'
import { Link } from '../sessions/link.ts'

const PATIENCE_MS = 5000

type Scene = {
  server(
    env: Record<string, string>,
    options?: TestServerOptions,
  ): Promise<Pick<TestServer, 'ws' | 'emulator' | 'close'>>
  visit(ws: string, headers?: Record<string, string>): Promise<Visitor>
  /** The URL of an empty SQLite store. */
  store(): Promise<string>
  onEnd(close: () => unknown): void
}
type Visitor = {
  /** The first answer to an ask: a refusal's code, or the type of what came. */
  ask(proof?: string, text?: string): Promise<{ kind: string; challenge: string }>
}

/** A test whose servers, sockets and files are gone when it ends, however that is. */
function scene(name: string, play: (scene: Scene) => Promise<void>): void {
  test(name, async () => {
    const closers: (() => unknown)[] = []
    const onEnd = (close: () => unknown) => void closers.unshift(close)
    try {
      await play({
        onEnd,
        async server(env, options) {
          const server = await startServer(env, options)
          let closed: Promise<void> | undefined
          const close = () => (closed ??= server.close())
          onEnd(close)
          return { ws: server.ws, emulator: server.emulator, close }
        },
        async visit(ws, headers = {}) {
          const link = new Link({ url: ws, headers })
          onEnd(() => link.close())
          return greet(link)
        },
        async store() {
          const folder = await mkdtemp(join(tmpdir(), 'proof-'))
          onEnd(() => rm(folder, { recursive: true }))
          return `sqlite:${join(folder, 'test.db')}`
        },
      })
    } finally {
      for (const close of closers) await close()
    }
  })
}

async function greet(link: Link): Promise<Visitor> {
  const next = async (): Promise<ServerMessage> => {
    const incoming = await link.next(PATIENCE_MS)
    const parsed = incoming?.kind === 'message' ? parseServerMessage(incoming.text) : undefined
    if (!parsed?.ok) throw new Error(`no message but ${JSON.stringify(incoming)}`)
    return parsed.message
  }
  await link.opened(PATIENCE_MS)
  link.send(JSON.stringify({ type: 'hello' }))
  await next()
  return {
    async ask(proof, text = 'Bonjour') {
      link.send(JSON.stringify({ type: 'ask', id: 'q1', text, ...(proof !== undefined && { proof }) }))
      const message = await next()
      if (message.type !== 'error') return { kind: message.type, challenge: '' }
      return { kind: message.code, challenge: message.challenge ?? '' }
    },
  }
}

const always = { PROOF_OF_WORK: 'always' }

scene('[PRF3] a proof that comes after two minutes gets a new challenge', async ({ server, visit }) => {
  let late = 0
  const clock = { ...systemClock, now: () => systemClock.now() + late }
  const visitor = await visit((await server(always, { clock })).ws)
  const first = await visitor.ask()
  late = 120_000
  const second = await visitor.ask(await solveProof(first.challenge))
  assert.equal([first.kind, second.kind], ['proof_required', 'proof_required'])
  late += 100_000
  assert.is((await visitor.ask(await solveProof(second.challenge))).kind, 'start')
})

scene('[PRF3] two processes on one store know each other’s challenges, and count a proof once', async (stage) => {
  const url = await stage.store()
  const script = fileURLToPath(new URL('./proof-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  stage.onEnd(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const [there] = await once(createInterface({ input: child.stdout }), 'line')
  const { ws: here } = await stage.server({ ...always, STORE_URL: url })
  const visitors = [await stage.visit(here), await stage.visit(String(there)), await stage.visit(String(there))]
  const proof = await solveProof((await visitors[0]?.ask())?.challenge ?? '')
  const kinds = await Promise.all(visitors.map(async (visitor) => (await visitor.ask(proof)).kind))
  assert.equal(kinds.sort(), ['proof_required', 'proof_required', 'start'])
})

scene('a challenge outlives a restart of the server', async ({ server, store, visit }) => {
  const env = { ...always, STORE_URL: await store() }
  const before = await server(env)
  const { challenge } = await (await visit(before.ws)).ask()
  await before.close()
  const again = await visit((await server(env)).ws)
  assert.is((await again.ask(await solveProof(challenge))).kind, 'start')
})

scene('the longest question still fits into a frame beside its proof', async ({ server, visit }) => {
  const visitor = await visit((await server(always)).ws)
  const text = '"'.repeat(1000)
  const { challenge } = await visitor.ask(undefined, text)
  const proof = await solveProof(challenge)
  assert.is((await visitor.ask(proof, text)).kind, 'start')
  // As many bytes as JSON can make of 1000 UTF-16 units.
  const worst = JSON.stringify({ type: 'ask', id: 'x'.repeat(64), text: '', proof }).length + 6 * 1000
  assert.ok(worst <= 1000 * 6 + 1024, `${worst} B`)
})

// Room for a handful of answers, whose holds stay open while the emulator is gated.
const SCARCE = {
  BUDGET_PER_DAY: '0.5',
  BUDGET_SHARE_PER_ADDRESS: '1',
  BUDGET_TIME_ZONE: 'UTC',
  PRICE_INPUT_PER_MILLION: '1',
  PRICE_OUTPUT_PER_MILLION: '1000',
  MAX_OUTPUT_TOKENS: '100',
  TRUSTED_PROXIES: 'loopback',
}
const DAY_MS = 86_400_000

scene('when the budget runs short, whoever comes new needs a proof, and is answered with it', async (stage) => {
  const toElevenAtNight = (23 / 24) * DAY_MS - (systemClock.now() % DAY_MS)
  const clock = { ...systemClock, now: () => systemClock.now() + toElevenAtNight }
  const { ws, emulator } = await stage.server(SCARCE, { clock })
  emulator.setScenario({ name: 'ok', gated: true })
  for (let visitors = 1; visitors < 10; visitors++) {
    const visitor = await stage.visit(ws, { 'X-Forwarded-For': `203.0.113.${visitors}` })
    const { kind, challenge } = await visitor.ask()
    if (kind !== 'proof_required') continue
    assert.ok(visitors > 1, 'the first one needed none')
    return assert.is((await visitor.ask(await solveProof(challenge))).kind, 'start')
  }
  assert.unreachable('nobody needed a proof')
})

scene('no question needs a proof while there is no rush, and none ever with PROOF_OF_WORK=off', async (stage) => {
  for (const mode of ['auto', 'off']) {
    const visitor = await stage.visit((await stage.server({ PROOF_OF_WORK: mode })).ws)
    assert.is((await visitor.ask('a proof that nobody wanted')).kind, 'start')
  }
})

test.run()
