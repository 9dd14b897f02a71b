import { createHook } from 'node:async_hooks'
import { ChildProcess } from 'node:child_process'
import { Server, Socket } from 'node:net'

/** What keeps this process from ending beside what did when `handleWatch` was called, in words. */
export type HandleWatch = () => string[]

/**
 * Remembers today's handles. With `trace` it also says where each was opened, at the price of slower promises.
 */
export function handleWatch(trace: boolean): HandleWatch {
  const before = countOf(process.getActiveResourcesInfo())
  const old = new Set(activeHandles())
  const places = trace ? tracePlaces() : () => []
  return () => {
    const now = countOf(process.getActiveResourcesInfo())
    const counts = [...now].map(([name, count]): [string, number] => [name, count - (before.get(name) ?? 0)])
    const fresh = activeHandles().filter((handle) => !old.has(handle) && !isStandardStream(handle))
    return [
      ...counts.filter(([, count]) => count > 0).map(([name, count]) => `${name} × ${count}`),
      ...fresh.map(describe),
      ...places(),
    ]
  }
}

function countOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

// Undocumented, yet the only call that shows addresses and pids; without it the counts remain.
function activeHandles(): unknown[] {
  const list: unknown = Reflect.get(process, '_getActiveHandles')
  const handles: unknown = typeof list === 'function' ? list.call(process) : []
  return Array.isArray(handles) ? handles : []
}

const isStandardStream = (handle: unknown): boolean =>
  handle === process.stdin || handle === process.stdout || handle === process.stderr

function describe(handle: unknown): string {
  if (handle instanceof Server) return `a server listening on ${JSON.stringify(handle.address())}`
  if (handle instanceof ChildProcess) return `a child process, pid ${handle.pid}: ${handle.spawnargs.join(' ')}`
  if (handle instanceof Socket) {
    return `a socket, port ${handle.localPort ?? '?'} to ${handle.remoteAddress ?? '?'}:${handle.remotePort ?? '?'}`
  }
  return typeof handle === 'object' && handle !== null ? `a ${handle.constructor.name}` : String(handle)
}

const UNTRACED = new Set(['PROMISE', 'TickObject', 'Microtask', 'Immediate', 'PerformanceObserver'])

function tracePlaces(): () => string[] {
  const open = new Map<number, { type: string; resource: object; stack: string | undefined }>()
  createHook({
    init(id, type, _trigger, resource) {
      if (!UNTRACED.has(type)) open.set(id, { type, resource, stack: new Error().stack })
    },
    destroy: (id) => open.delete(id),
  }).enable()
  return () => {
    const held = [...open.values()].filter(({ resource }) => isReferenced(resource))
    return held.flatMap(({ type, stack }) => placesOf(stack).map((place) => `${type} opened ${place}`))
  }
}

function isReferenced(resource: object): boolean {
  const hasRef: unknown = Reflect.get(resource, 'hasRef')
  return typeof hasRef !== 'function' || hasRef.call(resource) !== false
}

// What Node opened by itself has no line of ours, and tells nothing.
const placesOf = (stack = ''): string[] =>
  stack
    .split('\n')
    .filter((line) => /\.ts:\d+/.test(line) && !line.includes('helpers/runner-'))
    .slice(0, 1)
    .map((line) => line.trim())
