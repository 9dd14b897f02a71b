import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A process of the bench's own, with the address it printed. */
export type Child = {
  url: string
  pid: number
  /** From its start to the address, in ms. */
  readyMs: number
  /** Its further lines, one by one. */
  onLine(listen: (line: string) => void): void
  /** What it has written to stderr so far. */
  complaints(): string
  /** Resolves when it has ended, by itself or not. */
  ended: Promise<void>
  end(): Promise<void>
}

/** The processor that a child may use, where the system has taskset; undefined: any. */
export type Core = number | undefined

let leaving = false

/** A signal would end this process without its `exit`, and leave the children behind. */
function exitOnSignals(): void {
  if (leaving) return
  leaving = true
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
}

/** Starts `node …args` and waits for the first line that `pick` finds an address in. Rejects when it ends first. */
export function startChild(
  args: string[],
  env: Record<string, string>,
  pick: (line: string) => string | undefined,
  core?: Core,
): Promise<Child> {
  exitOnSignals()
  const command = [...(core === undefined ? [] : ['taskset', '-c', String(core)]), process.execPath, ...args]
  const began = performance.now()
  const child = spawn(command[0] ?? '', command.slice(1), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // Whatever happens here, none of them stays behind.
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  child.once('exit', () => process.off('exit', atExit))
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(0, 10_000)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}\n${complaints}`)))
    const lines = createInterface({ input: child.stdout })
    const onFirst = (line: string) => {
      const url = pick(line)
      if (url === undefined) return
      lines.off('line', onFirst)
      // What nobody reads must still be taken, or the child would wait for us.
      child.stdout.resume()
      // What came in one piece with the address is for whoever listens first.
      let early: string[] | undefined = []
      lines.on('line', (next) => early?.push(next))
      setImmediate(() => {
        early = undefined
      })
      const onLine = (listen: (line: string) => void) => {
        early?.forEach(listen)
        early = undefined
        lines.on('line', listen)
      }
      resolve({
        url,
        pid: child.pid ?? 0,
        readyMs: performance.now() - began,
        onLine,
        complaints: () => complaints,
        // Once its last line has been read, which may be after its exit.
        ended: new Promise((over) => child.once('close', () => over())),
        end: () => endChild(child),
      })
    }
    lines.on('line', onFirst)
  })
}

function endChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGINT')
    // Again: our server takes the second for somebody in a hurry, who doesn't wait for answers on their way.
    setTimeout(() => child.kill('SIGINT'), 300).unref()
    setTimeout(() => child.kill('SIGKILL'), 3000).unref()
  })
}

export const median = (values: readonly number[]): number => percentile(values, 50)

/** The nearest-rank percentile; NaN of nothing. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((p / 100) * sorted.length) - 1))] ?? Number.NaN
}
