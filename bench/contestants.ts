import { type Child, startChild } from './children.ts'
import { addressIn, startServer } from './house.ts'
import type { ClientKind } from './load/clients.ts'
import { coresOf } from './machine.ts'

/** Who does the same work on the same upstream. `start` gives a process of its own, on the server's core. */
export type Contestant = {
  name: string
  kind: ClientKind
  start(upstream: string, env?: Record<string, string>): Promise<Child>
}

const peer =
  (file: string): Contestant['start'] =>
  (upstream, env = {}) =>
    startChild(
      [`bench/peers/${file}.mjs`, upstream],
      { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost', ...env },
      addressIn,
      coresOf().server,
    )

export const ours: Contestant = { name: 'Le Mécano', kind: 'ours', start: startServer }
const others = (process.env.BENCH_BUILDS?.split(',') ?? []).map(
  (main): Contestant => ({ name: main, kind: 'ours', start: (upstream, env) => startServer(upstream, env, main) }),
)
/** Ours, and other builds of ours to compare with, comma separated: what an optimisation was worth. */
export const builds: readonly Contestant[] = [ours, ...others]
export const bare: Contestant = { name: 'bare ws relay', kind: 'ws', start: peer('bare') }
export const raw: Contestant = { name: 'raw-http relay', kind: 'ws', start: peer('raw') }
export const socketio: Contestant = { name: 'socket.io', kind: 'socketio', start: peer('socketio') }
export const vercel: Contestant = { name: 'AI SDK', kind: 'vercel', start: peer('vercel') }
export const portkey: Contestant = { name: 'Portkey', kind: 'portkey', start: peer('portkey') }
export const all: readonly Contestant[] = [...builds, bare, raw, socketio, vercel, portkey]
