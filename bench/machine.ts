import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import type { Core } from './children.ts'

/** CPU time that a process has used so far, all its threads, in ms. 0 once it has gone. */
export function cpuMs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.reduce((sum, thread) => sum + threadMs(`/proc/${pid}/task/${thread}/schedstat`), 0)
  } catch {
    return 0
  }
}

function threadMs(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8').split(' ', 1)[0]) / 1e6
  } catch {
    return 0
  }
}

/** Resident memory of a process in KiB. */
export const rssKib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)

/** How many files and sockets a process has open. */
export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** How many files a process of this machine may have open. */
export const openFilesMost = (): number =>
  Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Number.NaN)

const TICK_MS = 10

/** What all processors have worked so far, time taken by the host's other guests included, in ms. */
function busyMs(): number {
  const ticks = /^cpu\s+(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(/\s+/).map(Number) ?? []
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks
  return (user + nice + system + irq + softirq + steal) * TICK_MS
}

/** Watches for work that is not ours: what the machine did beside `pids` and this process, as a part of one core. */
export function watchOthers(pids: readonly number[]): () => number {
  const own = () => [process.pid, ...pids].reduce((sum, pid) => sum + cpuMs(pid), 0)
  const began = performance.now()
  const [busy, ours] = [busyMs(), own()]
  return () => Math.max(0, busyMs() - busy - (own() - ours)) / (performance.now() - began)
}

let anyCore = false

/** What is started during `work` runs on any core, as it does where nobody measures. */
export async function onAnyCore<T>(work: () => Promise<T>): Promise<T> {
  anyCore = true
  return work().finally(() => {
    anyCore = false
  })
}

/** Where the measured process goes and where everything else goes: two cores, when there are two and taskset. */
export function coresOf(): { server: Core; others: Core } {
  const pinned = !anyCore && cpus().length > 1 && hasTaskset()
  return pinned ? { server: 0, others: 1 } : { server: undefined, others: undefined }
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['-c', '0', 'true'])
    return true
  } catch {
    return false
  }
}

/** One line for the head of the results. */
export function machine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const pinned =
    coresOf().server === undefined ? 'nothing pinned' : 'the server pinned to one core, all else on another'
  return `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${memory}, ${pinned}`
}
