import { pathToFileURL } from 'node:url'
import { describeError } from './runner-error.ts'
import { send } from './runner-events.ts'
import { handleWatch } from './runner-handles.ts'
import { onNotice } from './runner-notices.ts'

// One test file in a process of its own: `child.js <its program> <limit ms> <grace ms> [trace]`.
const [file = '', limitMs = '60000', graceMs = '3000', trace] = process.argv.slice(2)

// uvu's own way of leaving the execution to somebody else (see uvu/run).
type SuiteRun = () => Promise<[failures: string | true, passed: number, skipped: number, total: number]>
declare global {
  var UVU_DEFER: number
  var UVU_INDEX: number
  var UVU_QUEUE: SuiteRun[][]
}

let running: string | undefined
const missing = new Set<string | undefined>()

const current = () => (running === undefined ? {} : { test: running })

process.on('unhandledRejection', (reason) => send({ type: 'unhandled', error: describeError(reason), ...current() }))
process.on('uncaughtException', (error) => {
  send({ type: 'unhandled', error: describeError(error), ...current() })
  process.exit(1)
})
process.on('exit', (code) => send({ type: 'bye', code }))

globalThis.UVU_DEFER = 1
globalThis.UVU_INDEX = 0
globalThis.UVU_QUEUE = [[]]
// uvu looks at these when it is loaded.
const { book, watcher } = await import('./runner-uvu.ts')
const handles = handleWatch(trace === 'trace')

const giveUp = (when: 'limit' | 'after'): never => {
  send({ type: 'stuck', when, handles: handles(), ...current() })
  process.exit(1)
}
let limit = setTimeout(giveUp, Number(limitMs), 'limit').unref()

onNotice((notice) => {
  if (notice.type === 'installing') {
    send(notice)
    clearTimeout(limit)
    limit = setTimeout(giveUp, Number(limitMs) * 5, 'limit').unref()
    return
  }
  missing.add(running)
  send({ ...notice, ...current() })
})

watcher.begin = (test) => {
  running = test
  send({ type: 'begin', test })
}
watcher.end = (test, ms, error) => {
  running = undefined
  const forgiven = missing.has(test)
  send({ type: 'end', test, ms, ...(error === undefined || forgiven ? {} : { error: describeError(error) }) })
  return forgiven
}

await import(pathToFileURL(file).href)

const unrun = [...book.registered].filter((name) => !book.taken.has(name) && !book.leftOut.includes(name))
send({
  type: 'loaded',
  tests: [...book.taken],
  unrun,
  skipped: book.skipped,
  leftOut: book.leftOut,
  twice: [...book.twice],
})
let passed = 0
let total = 0
for (const run of missing.has(undefined) ? [] : globalThis.UVU_QUEUE.flat()) {
  const [, good, , all] = await run()
  passed += good
  total += all
}
send({ type: 'finished', passed, total })
clearTimeout(limit)
setTimeout(giveUp, Number(graceMs), 'after').unref()
