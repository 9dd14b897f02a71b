import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { systemClock } from './clock.ts'
import { compose, type House } from './compose.ts'
import type { Listen } from './config.ts'
import { CannotStart, EX_TEMPFAIL } from './exit.ts'
import { descriptorLimit, roomWithin } from './http/room.ts'
import { loadConfig } from './load-config.ts'
import type { Log } from './log.ts'
import { hider, pinoLog } from './ops/pino-log.ts'
import { ready } from './ops/pm2.ts'
import { showToPm2 } from './under-pm2.ts'

/** PM2 and systemd give up on a program that ends at once, again and again. */
const UNHURRIED_MS = 2000
/**
 * How far the heap may grow above what lives in it before V8 collects it whole. By itself V8 lets 35 MB grow by some 15:
 * under full load that was a collection every few seconds, each a pause that visitors saw.
 */
const HEAP_GROWING_PERCENT = 300
const here = dirname(fileURLToPath(import.meta.url))
/** Takes the secrets out of what goes to stderr, as soon as they are known. */
let hide = (text: string) => text

/** What the admin can change when the server can't listen, by the system's error. */
const TROUBLES: Record<Listen['kind'], Readonly<Record<string, string>>> = {
  tcp: {
    EADDRINUSE: 'PORT: another program listens there already; stop it or choose another PORT',
    EACCES: 'PORT: this user may not listen there; choose a PORT above 1023',
    EADDRNOTAVAIL: 'HOST: this machine has no such address; use one that `ip address` lists, or 127.0.0.1',
    ENOTFOUND: 'HOST: this machine has no such address; use one that `ip address` lists, or 127.0.0.1',
    EAI_AGAIN: 'HOST: the name was not found; use an address',
  },
  unix: {
    EADDRINUSE:
      'SOCKET_PATH: another program listens there already, or it is no socket; stop it or choose another path',
    EACCES: 'SOCKET_PATH: the folder does not exist or this user may not write there; make one for this user',
    ENOENT: 'SOCKET_PATH: the folder does not exist; make it, for this user',
  },
}

const FEW_DESCRIPTORS = (limit: number, wanted: number) =>
  `this process may open ${limit} files and sockets; let it open ${wanted} (LimitNOFILE, ulimit -n) or set MAX_CONNECTIONS lower`

try {
  await main()
} catch (error) {
  const said =
    error instanceof CannotStart
      ? error.lines
      : [error instanceof Error ? (error.stack ?? error.message) : String(error)]
  process.stderr.write(hide(`Le Mécano can't start:\n${said.map((line) => `  - ${line}\n`).join('')}`))
  // At once: PM2's channel would keep the process.
  const code = error instanceof CannotStart ? error.code : 1
  if (code === EX_TEMPFAIL) await pause(UNHURRIED_MS)
  process.exit(code)
}

async function main(): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`)
  const loaded = await loadConfig(process.env, '.env')
  if (!loaded.ok) throw new CannotStart(loaded.errors)
  const limit = await descriptorLimit()
  const room = roomWithin(limit, loaded.config)
  const config = { ...loaded.config, maxConnections: room.sockets }
  const secrets = [config.gemini.apiKey, config.adminToken, config.metricsToken].flatMap((secret) => secret ?? [])
  hide = hider(secrets)
  // Whoever read the log may leave: a visitor's answer must not end for it.
  process.stdout.on('error', () => {})
  const log = pinoLog(config.logLevel, secrets, process.stdout)
  for (const warning of loaded.warnings) log.warn('settings', { warning })
  if (limit !== undefined && limit < room.wanted)
    log.warn('settings', {
      warning: `only ${room.sockets} connections at once: ${FEW_DESCRIPTORS(limit, room.wanted)}`,
    })
  watchForBugs(log)
  const house = await compose({ config, spareConnections: room.spare, log, clientDir: join(here, '../client') })
  const url = await listen(house, config.listen)
  const stopMonitor = await showToPm2(process, { house, config, clock: systemClock })
  onSignals(house, log, stopMonitor)
  const mode = house.demo ? 'mode démonstration' : 'gemini'
  log.info('listening', { url, mode, model: config.gemini.model })
  if (process.stdout.isTTY) process.stderr.write(`\n  Le Mécano (IA) · ${mode} · ${url}\n\n`)
  ready(process)
}

async function listen(house: House, where: Listen): Promise<string> {
  try {
    return await house.app.listen()
  } catch (error) {
    await house.close()
    const trouble = error instanceof Error && 'code' in error ? TROUBLES[where.kind][String(error.code)] : undefined
    throw trouble === undefined ? error : new CannotStart([trouble])
  }
}

function onSignals(house: House, log: Log, stopMonitor: () => void): void {
  let leaving = false
  const leave = (signal: string) => {
    // A second signal is somebody in a hurry.
    if (leaving) process.exit(1)
    leaving = true
    log.info('draining', { signal, connections: house.app.connections, streams: house.app.streams })
    house.close().then(
      () => {
        stopMonitor()
        log.info('stopped')
        // PM2 writes the log by itself, later: the last line must be out first.
        process.stdout.write('', () => process.exit(0))
      },
      () => process.exit(1),
    )
  }
  process.on('SIGINT', leave)
  process.on('SIGTERM', leave)
  process.on('SIGHUP', () => void house.reloadPersona())
}

/** A throw that nobody caught is a bug of ours: logged with its place, and one visitor's bug ends nobody else's answer. */
function watchForBugs(log: Log): void {
  const report = (event: string) => (error: unknown) => {
    const name = error instanceof Error ? error.name : typeof error
    // Frames only: a message may quote what must not be logged.
    const stack =
      error instanceof Error
        ? error.stack
            ?.split('\n')
            .filter((line) => /^\s+at /.test(line))
            .join('\n')
        : undefined
    log.error(event, { name, stack })
  }
  process.on('unhandledRejection', report('unhandled_rejection'))
  process.on('uncaughtException', report('uncaught_exception'))
}
