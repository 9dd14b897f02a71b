// Loaded before the server, which knows nothing of it: each call of a driver (SQLite's binary, files, sockets of Redis, of
// the upstream and of visitors) passes a point, where the order in FAULT_FILE may end the process, block it or fail the call.
import { appendFileSync, readFileSync } from 'node:fs'
import files from 'node:fs/promises'
import { ClientRequest, IncomingMessage } from 'node:http'
import Module, { syncBuiltinESMExports } from 'node:module'
import { Socket } from 'node:net'

const { FAULT_FILE = '' } = process.env
let order = { id: 0 }
let [passed, hits] = [0, 0]

function orderNow() {
  const read = JSON.parse(readFileSync(FAULT_FILE, 'utf8'))
  if (read.id !== order.id) [order, passed, hits] = [read, 0, 0]
  return order
}

/** Whether the call is to fail; a `name` is a kind, a colon and what it is of that kind. */
function fails(name) {
  const { does, at = 0, times = 1, kinds, ms } = orderNow()
  if (does === undefined || (kinds && !kinds.includes(name.split(':')[0]))) return false
  const note = () => appendFileSync(`${FAULT_FILE}.points`, `${name}\n`)
  if (does === 'note') note()
  if (passed++ < at || hits >= times) return false
  hits++
  if (does === 'kill') {
    note()
    process.kill(process.pid, 'SIGKILL')
  }
  if (does === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  return does === 'fail' || does === 'lose'
}

const broken = (code) => Object.assign(new Error('a fault of the test'), { code: order.code ?? code })

/** `fail` in place of the call where it is to fail. */
function wrap(target, method, nameOf, fail = (go) => go()) {
  const real = target[method]
  target[method] = function (...given) {
    const go = () => real.apply(this, given)
    const name = nameOf.apply(this, given)
    return name !== undefined && fails(name) ? fail.call(this, go) : go()
  }
}
const throwing = (code) => () => {
  throw broken(code)
}
const rejecting = (code) => () => Promise.reject(broken(code))

// SQLite: the functions of libsql's binary, whose statements are opaque objects.
const texts = new WeakMap()
const textOf = function () {
  return `sqlite:${texts.get(this)}`
}
function wrapSqlite(native) {
  const { databasePrepareAsync } = native
  native.databasePrepareAsync = async function (sql) {
    const prepared = await databasePrepareAsync.call(this, sql)
    texts.set(prepared, sql.trim().slice(0, 60))
    return prepared
  }
  wrap(native, 'statementRun', textOf, throwing('SQLITE_IOERR'))
  wrap(native, 'statementGet', textOf, throwing('SQLITE_IOERR'))
  wrap(native, 'databaseExecAsync', (sql) => `sqlite:${sql.slice(0, 60)}`, rejecting('SQLITE_IOERR'))
}
const wrapped = new WeakSet()
const { _load } = Module
Module._load = (request, ...given) => {
  const loaded = _load(request, ...given)
  if (!request.startsWith('@libsql/') || wrapped.has(loaded)) return loaded
  wrapSqlite(loaded)
  wrapped.add(loaded)
  return loaded
}

const handle = await files.open('/dev/null')
wrap(Object.getPrototypeOf(handle), 'datasync', () => 'sync:datasync', rejecting('EIO'))
await handle.close()
for (const name of ['writeFile', 'rename']) wrap(files, name, () => `file:${name}`, rejecting('EIO'))
syncBuiltinESMExports()

wrap(ClientRequest.prototype, 'end', () => 'upstream:call')
wrap(IncomingMessage.prototype, 'push', function (chunk) {
  // Requests of visitors come through here too, and have no request of their own.
  return this.req && (chunk === null ? 'upstream:end' : 'upstream:piece')
})
const saidIn = (bytes) => {
  const head = bytes.toString('latin1').slice(0, 60)
  const command = /^\*\d+\r\n\$\d+\r\n(\w+)/.exec(head)?.[1]
  // Behind the head of its frame.
  const message = /^\x81[\s\S]{1,9}?\{"type":"(\w+)"/.exec(head)?.[1]
  return command ? `redis:${command.toUpperCase()}` : message && `visitor:${message}`
}
// Lost: done there, and its answer never came.
wrap(Socket.prototype, 'write', saidIn, function (go) {
  if (order.does === 'lose') go()
  setImmediate(() => this.destroy(broken('ECONNRESET')))
  return true
})

// The server's own timers, which don't keep the process and so aren't listed; /metrics shows them under this name.
const timers = new Set()
const { setTimeout: set, clearTimeout: clear } = globalThis
globalThis.setTimeout = Object.assign((fn, ms, ...given) => {
  const timer = set(() => {
    timers.delete(timer)
    fn(...given)
  }, ms)
  timers.add(timer)
  return timer
}, set)
globalThis.clearTimeout = (timer) => {
  timers.delete(timer)
  clear(timer)
}
const { getActiveResourcesInfo } = process
process.getActiveResourcesInfo = () => [...getActiveResourcesInfo(), ...Array(timers.size).fill('ServerTimer')]
