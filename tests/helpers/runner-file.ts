import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Programs } from './runner-build.ts'
import { parseEvent, type RunnerEvent } from './runner-events.ts'
import { Tail } from './runner-tail.ts'

export type FileOptions = { limitMs: number; graceMs: number; trace: boolean }
/** All that is known of one file's run; `output` is what it printed, its middle left out when it is long. */
export type FileRun = {
  file: string
  events: RunnerEvent[]
  code: number | null
  signal: NodeJS.Signals | null
  output: string
  ms: number
}

const INSTALLING_FACTOR = 5

const live = new Set<ChildProcess>()

/** Runs one test file in its own process and process group; resolves when it is gone, never rejects. */
export async function runFile(file: string, programs: Programs, options: FileOptions): Promise<FileRun> {
  const from = performance.now()
  const program = programs.of(file)
  if ('error' in program) return unbuilt(file, program.error)
  const child = spawn(process.execPath, argumentsFor(programs.child, program.path, options), {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env: safeEnvironment(process.env),
  })
  live.add(child)
  // A process that keeps silent this long after its own limit has a blocked event loop.
  const deafMs = Math.max(options.graceMs, 1000)
  const output = new Tail()
  child.stdout?.on('data', (chunk: Buffer) => output.add(chunk))
  child.stderr?.on('data', (chunk: Buffer) => output.add(chunk))
  const killer = killTimer(child, options.limitMs + deafMs)
  const events: RunnerEvent[] = []
  const said = readEvents(child, (event) => {
    events.push(event)
    if (event.type === 'installing') killer.restart(options.limitMs * INSTALLING_FACTOR + deafMs)
    if (event.type === 'finished') killer.restart(options.graceMs + deafMs)
  })
  const [code, signal] = await exitOf(child)
  killer.stop()
  live.delete(child)
  killGroup(child)
  await said
  return { file, events, code, signal, output: output.text(), ms: performance.now() - from }
}

/** Ends every file that still runs, with what it started. */
export const killAll = (): void => live.forEach(killGroup)

const unbuilt = (file: string, error: string): FileRun => ({
  file,
  events: [{ type: 'unhandled', error }],
  code: 1,
  signal: null,
  output: '',
  ms: 0,
})

const argumentsFor = (child: string, program: string, { limitMs, graceMs, trace }: FileOptions): string[] => [
  '--enable-source-maps',
  child,
  program,
  String(limitMs),
  String(graceMs),
  ...(trace ? ['trace'] : []),
]

// No test may call Google with the developer's key or write to the developer's store.
const safeEnvironment = ({ GEMINI_API_KEY, GEMINI_API_KEY_FILE, STORE_URL, ...rest }: NodeJS.ProcessEnv) => rest

function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve([code, signal]))
    child.once('error', () => resolve([null, null]))
  })
}

// A process that the file started may hold the pipe open for ever: `bye` or a moment after the exit ends the reading.
function readEvents(child: ChildProcess, take: (event: RunnerEvent) => void): Promise<void> {
  const pipe = child.stdio[3]
  if (!isReadable(pipe)) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      pipe.destroy()
      resolve()
    }
    createInterface({ input: pipe })
      .on('line', (line) => {
        const event = parseEvent(line)
        if (event !== undefined) take(event)
        if (event?.type === 'bye') end()
      })
      .on('close', resolve)
    child.once('exit', () => setTimeout(end, 500).unref())
  })
}

const isReadable = (pipe: unknown): pipe is Readable => typeof pipe === 'object' && pipe !== null && 'readable' in pipe

function killTimer(child: ChildProcess, ms: number) {
  const start = (after: number) => setTimeout(() => killGroup(child), after)
  let timer = start(ms)
  return {
    stop: () => clearTimeout(timer),
    restart(after: number) {
      clearTimeout(timer)
      timer = start(after)
    },
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody is left in the group.
  }
}
