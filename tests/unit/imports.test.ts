import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../..', import.meta.url))

const PORTS = [
  'server/clock.ts',
  'server/log.ts',
  'server/diary.ts',
  'server/meter.ts',
  'server/model/port.ts',
  'server/quota/port.ts',
  'server/chat/ports.ts',
]
const PURE = ['server/chat/conversation.ts', 'server/chat/filter.ts', 'server/chat/sentences.ts']
const ANYTHING = ['']

/**
 * The house from the ground up: a room, what it sees of ours beside itself, what it sees of others.
 * The most exact path decides; a name that ends in / or : is a whole folder or kind.
 */
const rooms: [room: string, ours: string[], others: string[]][] = [
  ['protocol/', [], ['valibot']],

  ['server/half-pair.ts', [], []],
  ['server/burst-limit.ts', [], []],
  ['server/random-pool.ts', [], ['node:crypto']],
  ['server/clock.ts', ['server/random-pool.ts'], []],
  ['server/log.ts', [], []],
  ['server/diary.ts', [], []],
  ['server/meter.ts', ['server/model/port.ts'], []],
  ['server/model/port.ts', [], []],
  ['server/quota/port.ts', ['server/model/port.ts'], []],
  ['server/chat/ports.ts', ['protocol/', ...PORTS, ...PURE], []],

  ['server/exit.ts', [], []],
  ['server/settings.ts', [], []],
  [
    'server/config.ts',
    ['server/settings.ts', 'server/quota/address.ts', 'server/quota/prices.ts', 'server/quota/windows.ts'],
    ['node:net'],
  ],
  ['server/vault.ts', ['server/chat/ports.ts', 'server/random-pool.ts'], ['node:crypto']],

  [
    'server/chat/',
    ['protocol/', 'server/half-pair.ts', 'server/burst-limit.ts', ...PORTS],
    ['valibot', 'minisearch', '@orama/stemmers/'],
  ],
  [
    'server/quota/',
    PORTS,
    ['node:crypto', 'valibot', 'ipaddr.js', 'rate-limiter-flexible', 'altcha-lib', 'altcha-lib/'],
  ],

  ['server/model/', ['server/half-pair.ts', ...PORTS], ['node:', 'valibot', '@google/generative-ai']],
  ['server/stores/', ['server/quota/', ...PORTS], ['node:', 'libsql', 'libsql/', 'ioredis']],
  ['server/socket/', ['protocol/', 'server/burst-limit.ts', 'server/chat/', ...PORTS], ['node:', 'ws']],
  ['server/http/', ['server/chat/persona.ts', ...PORTS], ['node:']],
  ['server/ops/', ['protocol/', 'server/chat/', 'server/quota/', ...PORTS], ['node:', 'pino', 'prom-client']],
  ['server/load-config.ts', ['server/config.ts', 'server/settings.ts'], ['node:', 'dotenv']],
  ['server/persona-files.ts', ['server/chat/'], ['node:']],
  ['server/persona-report.ts', ['server/chat/', 'server/quota/'], []],
  ['server/persona-check.ts', ['server/'], []],

  ['server/app.ts', ['protocol/', 'server/'], ['node:']],
  ['server/admin-room.ts', ['protocol/', 'server/'], ['node:']],
  // The demonstration without a key is the emulator, in process.
  ['server/compose.ts', ['protocol/', 'server/', 'emulator/'], ['node:']],
  ['server/under-pm2.ts', ['server/'], []],
  ['server/main.ts', ['server/'], ['node:']],
  ['server/command.ts', ['server/'], ['node:']],
  ['server/budget.ts', ['server/command.ts', 'server/budget-command.ts'], []],
  ['server/budget-command.ts', ['server/'], ['node:']],
  ['server/report.ts', ['server/command.ts', 'server/report-command.ts'], []],
  ['server/report-command.ts', ['server/'], ['node:']],
  ['server/maintenance.ts', ['server/command.ts', 'server/maintenance-command.ts'], []],
  ['server/maintenance-command.ts', ['server/'], ['node:']],
  ['server/logs.ts', ['server/logs-command.ts'], ['node:']],
  ['server/logs-command.ts', ['server/ops/'], []],

  ['client/', ['protocol/'], []],
  ['client/admin/', ['client/', 'protocol/'], ['uplot']],
  ['client/proof-worker.ts', ['client/'], ['altcha-lib', 'altcha-lib/']],
  ['emulator/', ['server/clock.ts'], ['node:']],
  ['bench/', ANYTHING, ANYTHING],
  ['tests/', ANYTHING, ANYTHING],
]

/** Where alone a package may be imported, tests and benches aside. */
const adapters: [name: string, only: RegExp][] = [
  ['ws', /^server\/socket\//],
  ['@google/generative-ai', /^server\/model\/sdk\.ts$/],
  ['libsql', /^server\/stores\//],
  ['ioredis', /^server\/stores\//],
  ['rate-limiter-flexible', /^server\/quota\//],
  ['ipaddr.js', /^server\/quota\/address\.ts$/],
  ['altcha-lib', /^(server\/quota\/altcha|client\/proof-worker)\.ts$/],
  ['minisearch', /^server\/chat\/knowledge[\w-]*\.ts$/],
  ['@orama/stemmers', /^server\/chat\/knowledge[\w-]*\.ts$/],
  ['altcha-lib', /^(server\/quota\/altcha|client\/proof[\w-]*)\.ts$/],
  ['uplot', /^client\/admin\/plot\.ts$/],
  ['pino', /^server\/ops\//],
  ['prom-client', /^server\/ops\//],
  ['dotenv', /^server\/load-config\.ts$/],
]

/** What only a process has: in chat/ it must arrive as an argument. */
const AMBIENT =
  /\b(Date|Math\.random|process|performance|console|setTimeout|setInterval|setImmediate|fetch|crypto|Buffer)\b(?=[.(])/

type Import = { from: string; to: string; ours: boolean; types: boolean }

const files = ['protocol', 'server', 'client', 'emulator', 'bench', 'tests'].flatMap(sources)
const imports = files.flatMap(importsOf)
const isTool = (path: string) => /^(tests|bench)\//.test(path)

test('every import is in the table of rooms', () => {
  assert.equal(imports.filter((it) => !isAllowed(it)).map(inWords), [])
})

test('a package is imported in its adapter alone', () => {
  const strays = imports.filter(({ from, to, ours }) => {
    const only = ours ? undefined : adapters.find(([name]) => to === name || to.startsWith(`${name}/`))?.[1]
    return only !== undefined && !isTool(from) && !only.test(from)
  })
  assert.equal(strays.map(inWords), [])
})

test('client and server meet only in protocol/', () => {
  const side = (path: string) => /^(client|server)\//.exec(path)?.[1]
  const across = imports.filter(({ from, to, ours }) => ours && side(from) && side(to) && side(from) !== side(to))
  assert.equal(across.map(inWords), [])
})

test('no file imports itself by a detour', () => {
  assert.equal(circles(imports.filter(({ ours, types }) => ours && !types)), [])
})

test('chat/ is given time, chance and the network as arguments', () => {
  const offenders = files
    .filter((file) => file.startsWith('server/chat/'))
    .flatMap((file) =>
      codeLines(file)
        .filter((line) => AMBIENT.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    )
  assert.equal(offenders, [])
})

test('the reading of imports finds what is there', () => {
  const found = importsIn(
    `import { a } from './a.ts'\nimport type {\n  B,\n} from 'b'\nexport * from "./c.ts"\nimport 'd'\nawait import('./e.ts')`,
  )
  assert.equal(
    found.map(({ name }) => name),
    ['./a.ts', 'b', './c.ts', 'd', './e.ts'],
  )
  assert.equal(
    found.map(({ types }) => types),
    [false, true, false, false, false],
  )
  assert.ok(imports.length > 100)
})

test('the table refuses what points up', () => {
  const refused = [
    ['client/view.ts', 'server/log.ts'],
    ['protocol/parse.ts', 'server/clock.ts'],
    ['server/chat/session.ts', 'server/socket/gateway.ts'],
    ['server/chat/session.ts', 'server/quota/wallet.ts'],
    ['server/quota/wallet.ts', 'server/stores/sqlite.ts'],
    ['server/model/gemini.ts', 'server/app.ts'],
    ['server/unheard-of/room.ts', 'protocol/closes.ts'],
  ]
  for (const [from = '', to = ''] of refused)
    assert.not(isAllowed({ from, to, ours: true, types: false }), `${from} ${to}`)
  assert.not(isAllowed({ from: 'server/chat/session.ts', to: 'node:fs', ours: false, types: false }))
  assert.ok(isAllowed({ from: 'server/chat/session.ts', to: 'server/quota/port.ts', ours: true, types: false }))
})

function isAllowed({ from, to, ours }: Import): boolean {
  const row = rooms.filter(([room]) => covers(room, from)).sort(([a], [b]) => b.length - a.length)[0]
  if (row === undefined) return false
  const [room, seen, others] = row
  return ours ? covers(room, to) || seen.some((name) => covers(name, to)) : others.some((name) => covers(name, to))
}

function covers(name: string, path: string): boolean {
  if (name === '' || name === path) return true
  return /[/:]$/.test(name) && path.startsWith(name)
}

const inWords = ({ from, to }: Import): string => `${from} imports ${to}`

function sources(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && /\.m?ts$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

function importsOf(file: string): Import[] {
  return importsIn(codeLines(file).join('\n')).map(({ name, types }) => {
    const ours = name.startsWith('.')
    return { from: file, to: ours ? join(dirname(file), name) : name, ours, types }
  })
}

function importsIn(code: string): { name: string; types: boolean }[] {
  const pattern =
    /^\s*(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm
  return [...code.matchAll(pattern)].map(([, type, named, dynamic]) => ({
    name: named ?? dynamic ?? '',
    types: type !== undefined,
  }))
}

// Comments may name whatever they like.
function codeLines(file: string): string[] {
  const code = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  return code.split('\n').filter((line) => !/^\s*\/\//.test(line))
}

/** Every way round, as `a.ts > b.ts > a.ts`. */
function circles(edges: readonly Import[]): string[] {
  const next = new Map<string, string[]>()
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to])
  const done = new Set<string>()
  const found: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) found.push([...path.slice(start), file].join(' > '))
    if (start >= 0 || done.has(file)) return
    for (const other of next.get(file) ?? []) visit(other, [...path, file])
    done.add(file)
  }
  for (const file of next.keys()) visit(file, [])
  return found
}

test.run()
