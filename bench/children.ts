import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A process of the bench's own, with the address it printed. */
export type Child = { url: string; pid: number; end(): Promise<void> }

/** Starts `node …args` and waits for the first line that `pick` finds an address in. Rejects when it ends first. */
export function startChild(
  args: string[],
  env: Record<string, string>,
  pick: (line: string) => string | undefined,
): Promise<Child> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = pick(line)
      if (url !== undefined) resolve({ url, pid: child.pid ?? 0, end: () => endChild(child) })
    })
  })
}

function endChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    // Twice: a second signal means at once.
    child.kill('SIGINT')
    setTimeout(() => child.kill('SIGKILL'), 3000).unref()
  })
}

export const median = (values: readonly number[]): number => percentile(values, 50)

/** The nearest-rank percentile; NaN of nothing. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((p / 100) * sorted.length) - 1))] ?? Number.NaN
}
