import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { median, startChild } from './children.ts'

// From `node dist/server/main.js` to the line that says it listens, and what it holds in memory when nobody asks, with a
// key and SQLite. BENCH_NODE_FLAGS tries flags of Node on it.
const STARTS = 5
const IDLE_MS = 2000
const READY_GOAL_MS = 700
const RSS_GOAL_MB = 90
const FLAGS = process.env.BENCH_NODE_FLAGS?.split(' ') ?? []

const dir = await mkdtemp(join(tmpdir(), 'bench-start-'))
const env = { PORT: '0', GEMINI_API_KEY: 'key-of-the-bench', STORE_URL: `sqlite:${join(dir, 'bench.db')}` }
const ready: number[] = []
const rss: number[] = []
for (let i = 0; i < STARTS; i++) {
  const began = performance.now()
  const server = await startChild([...FLAGS, 'dist/server/main.js'], env, (line) => /"listening"/.exec(line)?.[0])
  ready.push(performance.now() - began)
  await pause(IDLE_MS)
  rss.push(await residentMb(server.pid))
  await server.end()
}
await rm(dir, { recursive: true })
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'} ${FLAGS.join(' ')}\n`)
tell('start to ready', ready, READY_GOAL_MS, 'ms')
tell('idle, resident', rss, RSS_GOAL_MB, 'MB')

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6
}

function tell(name: string, values: readonly number[], goal: number, unit: string): void {
  const p50 = median(values)
  const range = `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`
  console.log(
    `${name}  ${p50.toFixed(0).padStart(5)} ${unit} (${range})   <= ${goal}  ${p50 <= goal ? 'reached' : 'MISSED'}`,
  )
}
