import type { IncomingMessage } from 'node:http'
import { SUBPROTOCOL } from '../protocol/messages.ts'
import { type AdminSource, adminServices, createAdminRoom, isAdmin } from './admin-room.ts'
import { type AskContext, createAdmission } from './chat/admission.ts'
import { Connection } from './chat/connection.ts'
import { createFollow } from './chat/follow.ts'
import { createLender } from './chat/lend.ts'
import { createNotebook } from './chat/notebook.ts'
import type { Assistant, ConversationStore, Peers, QuestionStore, Vault, Wire } from './chat/ports.ts'
import type { QuestionLine } from './chat/question.ts'
import { createRegistry, type Registry } from './chat/registry.ts'
import { createStreams } from './chat/streams.ts'
import type { Clock, Random } from './clock.ts'
import type { Config } from './config.ts'
import { createHandler, type Service } from './http/handler.ts'
import { securityHeaders } from './http/headers.ts'
import type { Pages } from './http/pages.ts'
import { tellWhenFull } from './http/room.ts'
import { createHttpServer, httpLimits, listenOn } from './http/server.ts'
import type { Log, LogFields } from './log.ts'
import type { Meter } from './meter.ts'
import type { Model, ModelFailure } from './model/port.ts'
import { withRetry } from './model/retry.ts'
import { meteredProofs } from './ops/metered.ts'
import { metricsEndpoint } from './ops/metrics-endpoint.ts'
import { createRate } from './ops/rate.ts'
import { addressKeys, addressTakes, clientAddress, isTrustedPeer } from './quota/address.ts'
import type { Buckets, Secrets, Wallet } from './quota/port.ts'
import { createProofOfWork } from './quota/proof.ts'
import { createGateway, type Visitor } from './socket/gateway.ts'
import { memoryStore } from './stores/memory.ts'

/** What is in memory at this moment. */
type Live = { connections: number; streams: number; sessions: number }
export type AppParts = {
  config: Config
  /** Connections beside those of visitors' WebSockets. */
  spareConnections?: number
  clock: Clock
  random: Random
  log: Log
  /** Read at each request, because a new persona brings new ones. */
  pages: () => Pages
  store: {
    buckets: Buckets
    conversations: ConversationStore
    questions: QuestionStore
    peers: Peers
    secrets: Secrets
    ready(): Promise<boolean>
  }
  wallet: Wallet
  /** One attempt at an answer, whose lines go to `log`; the retries are added here. */
  model: (log: Log) => Model
  assistant: () => Assistant
  vault: Vault
  meter: Meter
  metrics: { contentType: string; text(live: Live): Promise<string> }
  /** undefined: there is no status page. */
  admin: AdminSource | undefined
}
export type App = {
  /** Resolves with the address once visitors can connect; rejects with the system's error when they can't. */
  listen(): Promise<string>
  /** Sends visitors away gently: answers may finish until the deadline, the rest is closed with 1012. */
  drain(): Promise<void>
  readonly connections: number
  readonly streams: number
  readonly state: 'serving' | 'draining' | 'drained'
  refusedPerMinute(): number
}

const SWEEP_MS = 10 * 60_000
const ATTEMPTS = 3
// A picture of the visitor's screen.
const JOIN_MS = 16
const MAX_RETRY_DELAY_MS = 8000

/** The server made of given parts; nothing is open before `listen`. */
export function createApp(parts: AppParts): App {
  const { config, clock, random, log, store, assistant, meter } = parts
  const demo = config.gemini.apiKey === undefined
  const refused = createRate(clock)
  const streams = createStreams(config.maxStreams, config.maxStreamsPerAddress)
  const refuse = (code: string, c?: string) => {
    refused.count()
    meter.messageRefused(code)
    log.info('message_refused', { c, code })
  }
  const onQuestion = (line: QuestionLine) => {
    const { usage, ...rest } = line
    if (!line.source) refused.count()
    meter.questionEnded(line)
    log.info('question', { ...rest, promptTokens: usage?.promptTokens, outputTokens: usage?.outputTokens })
  }
  const model = (mayRetry: (failure: ModelFailure) => Promise<boolean>, trace: LogFields) =>
    withRetry(parts.model(log.child(trace)), {
      attempts: ATTEMPTS,
      maxDelayMs: MAX_RETRY_DELAY_MS,
      patienceMs: config.firstChunkTimeoutMs,
      clock,
      random,
      mayRetry,
    })
  const limits = {
    maxChars: config.maxMessageChars,
    askBurst: config.connectionAsks.burst,
    asksPerMinute: config.connectionAsks.perMinute,
  }
  const { wallet } = parts
  const { buckets, secrets } = store
  const work = createProofOfWork({ mode: config.proofOfWork, secrets, buckets, clock, rush: () => wallet.rush() })
  const proofs = meteredProofs(work, meter)
  const admission = createAdmission({ streams, buckets, proofs, wallet, log })
  const seal = config.reportQuestions ? config.adminToken : undefined
  const onSaved =
    seal === undefined
      ? undefined
      : createNotebook({ ...parts, store: store.questions, seal, ttlMs: config.sessionTtlMs })
  const registry = createRegistry({
    random,
    journal: {
      store: forgetful(store),
      vault: parts.vault,
      ttlMs: config.sessionTtlMs,
      now: clock.now,
      log,
      ...(onSaved && { onSaved }),
    },
    clock,
    follow: createFollow({ peers: store.peers, vault: parts.vault, clock }),
    session: {
      question: {
        clock,
        admission,
        model,
        source: demo ? 'demo' : 'model',
        onQuestion,
        onGap: meter.textGap,
        joinMs: JOIN_MS,
        soon: setImmediate,
      },
      assistant,
      log,
      limits,
      graceMs: config.detachedGraceMs,
      onRefused: refuse,
      demo,
    },
    onGreeted: meter.greeted,
  })
  const connectTo = (registry: Pick<Registry, 'enter'>) => (wire: Wire, context: AskContext) => {
    const onRefused = (code: string) => refuse(code, context.c)
    return new Connection({ registry, assistant, onRefused }, wire, context)
  }
  const lender = createLender({ registry, vault: parts.vault, connectTo })
  const gateway = createGateway({
    clock,
    log,
    rules: { ...config, path: '/ws', subprotocol: SUBPROTOCOL, allowedOrigins: new Set(config.allowedOrigins) },
    maxFrameBytes: config.maxFrameBytes,
    identify: createIdentify(parts),
    connect: connectTo(registry),
    onOpened: meter.connectionOpened,
    onClosed: meter.connectionClosed,
    onRefused: (refusal) => {
      refused.count()
      meter.upgradeRefused(refusal)
    },
  })
  const live = () => ({ connections: gateway.connections, streams: streams.count, sessions: registry.size })
  const { trustedProxies } = config
  const admin = parts.admin && createAdminRoom({ ...parts.admin, clock, log, trustedProxies, live })
  // Whoever asks while the store is asked shares the answer: the probe writes, and anybody may ask.
  let probe: Promise<boolean> | undefined
  const storeReady = () => (probe ??= store.ready().finally(() => (probe = undefined)))
  const handler = createHandler({
    pages: parts.pages,
    services: new Map([['/metrics', createMetricsService(parts, live)], ...(admin ? adminServices : [])]),
    headers: securityHeaders(config.allowedOrigins),
    isReady: async () => !drained && (await storeReady()),
  })
  const { spareConnections = httpLimits.spareConnections } = parts
  const server = createHttpServer(handler, config.maxConnections, { ...httpLimits, spareConnections })
  tellWhenFull(server, log)
  server.on('upgrade', (request, stream, head) => {
    const room = admin && isAdmin(request) ? admin : gateway
    room.upgrade(request, stream, head)
  })

  let drained: Promise<void> | undefined
  let gone = false
  const sweep = () => {
    cancelSweep = clock.after(SWEEP_MS, sweep)
    Promise.all([registry.sweep(), store.questions.sweep(clock.now())]).catch(() => log.error('sweep_failed'))
  }
  let cancelSweep = clock.after(SWEEP_MS, sweep)

  const goodbye = async () => {
    server.close()
    server.closeIdleConnections()
    const adminClosed = admin?.close()
    const finished = streams.shut()
    const sendAway = () => {
      gateway.drain()
      lender.drain()
    }
    sendAway()
    const late = new Promise<void>((resolve) => clock.after(config.drainMs, resolve))
    const answers = registry.answering().map((session) => session.quiet().then(sendAway))
    await Promise.race([Promise.all([...answers, finished]), late])
    for (const session of registry.answering()) session.interrupt()
    await Promise.all(registry.answering().map((session) => session.quiet()))
    streams.cut()
    await finished
    lender.drain()
    cancelSweep()
    await Promise.all([gateway.close(), adminClosed])
    server.closeAllConnections()
    gone = true
  }

  return {
    async listen() {
      await store.peers.serve(lender.accept)
      return listenOn(server, config.listen.kind === 'unix' ? { path: config.listen.path } : config.listen)
    },
    drain: () => (drained ??= goodbye()),
    get connections() {
      return gateway.connections
    },
    get streams() {
      return streams.count
    },
    get state() {
      if (gone) return 'drained'
      return drained ? 'draining' : 'serving'
    },
    refusedPerMinute: () => refused.perMinute(),
  }
}

/** What a visitor has erased is erased from the notebook too, also where it is no longer kept. */
const forgetful = ({ conversations, questions }: AppParts['store']): ConversationStore => ({
  ...conversations,
  async erase(key) {
    await questions.erase(key)
    await conversations.erase(key)
  },
})

function createMetricsService(parts: AppParts, live: () => Live): Service {
  const { config, clock, metrics } = parts
  return metricsEndpoint({
    token: config.metricsToken,
    trustedProxies: config.trustedProxies,
    buckets: memoryStore(clock).buckets,
    contentType: metrics.contentType,
    text: () => metrics.text(live()),
  })
}

/** Request -> whose limits it counts against. A forwarding header that can't be believed is warned about once. */
function createIdentify(parts: AppParts): (request: IncomingMessage) => Visitor<AskContext> {
  const { config, log, random, store } = parts
  const { trustedProxies } = config
  const rules = {
    connection: { name: 'connection', ...config.connectionAsks },
    asks: { name: 'asks', ...config.addressAsks },
    upgrades: { name: 'upgrades', ...config.addressUpgrades },
  }
  let warned = false
  return (request) => {
    const peer = request.socket.remoteAddress
    const forwarded = request.headers['x-forwarded-for']
    if (forwarded !== undefined && !warned && !isTrustedPeer(peer, trustedProxies)) {
      warned = true
      log.warn('forwarded_header_ignored', { hint: 'set TRUSTED_PROXIES if a proxy of yours sends it' })
    }
    const keys = addressKeys(clientAddress(peer, forwarded?.toString(), trustedProxies))
    const context = (): AskContext => ({
      c: random.token(6),
      addressKey: keys[0].key,
      networks: keys.slice(1),
      takes: [{ rule: rules.connection, key: random.token(12) }, ...addressTakes(rules.asks, keys)],
    })
    return {
      addressKey: keys[0].key,
      takeUpgrade: () => store.buckets.take(addressTakes(rules.upgrades, keys)),
      context,
    }
  }
}
