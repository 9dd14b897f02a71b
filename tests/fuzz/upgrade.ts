import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import { pickEncoding } from '../../server/http/pages.ts'
import { judgeUpgrade, refusalBytes, type UpgradeFacts, type UpgradeRules } from '../../server/socket/upgrade.ts'
import { type Target, target } from './target.ts'
import { edited, made } from './texts.ts'

const rules: UpgradeRules = {
  path: '/ws',
  subprotocol: 'le-mecano.v1',
  allowedOrigins: new Set(['https://shop.example', 'http://localhost:5173']),
  maxConnections: 3,
  maxConnectionsPerAddress: 2,
}

const host = fc.constantFrom(
  'chat.example',
  'chat.example:443',
  'chat.example:80',
  'Chat.Example:8080',
  '[::1]:8080',
  '',
)
const scheme = fc.constantFrom('https://', 'http://', 'ws://', 'file://', '//', '')
const TOKENS = [
  ':443',
  ':80',
  '.',
  '/',
  '\\',
  '@',
  '#',
  '?',
  ' ',
  ',',
  '\t',
  '%2e',
  '%00',
  'é',
  'null',
  '*',
  'le-mecano.v1',
  'xn--',
]
const origin = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(scheme, host).map(([first, rest]) => first + rest) },
  { weight: 2, arbitrary: fc.webUrl().map((url) => new URL(url).origin) },
  { weight: 1, arbitrary: fc.constantFrom('null', 'https://shop.example', 'http://localhost:5173') },
)
const often = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 4 })
const facts: fc.Arbitrary<UpgradeFacts> = fc.record({
  path: fc.oneof(
    { weight: 4, arbitrary: fc.constant('/ws') },
    { weight: 1, arbitrary: edited(fc.constant('/ws'), TOKENS) },
  ),
  host: often(fc.oneof(host, edited(host, TOKENS))),
  origin: often(fc.oneof(origin, edited(origin, TOKENS))),
  subprotocols: often(made(['le-mecano.v1', ',', ' ', 'other', 'x'], 5)),
  draining: fc.oneof(fc.constant(false), fc.boolean()),
  connections: fc.nat(4),
  connectionsOfAddress: fc.nat(3),
})

/** The origin in letters: what a browser would send from a page of that host. */
function isOurs(origin: string, host: string | undefined): boolean {
  const [, scheme = '', rest = ''] = /^(https?):\/\/([a-z0-9.[\]:_~!$&'()*+,;=-]+)$/.exec(origin) ?? []
  const port = scheme === 'https' ? ':443' : ':80'
  if (rest === '' || rest.endsWith(port) || !URL.canParse(origin) || new URL(origin).host !== rest) return false
  return [rest, rest + port].includes(host?.toLowerCase() ?? '')
}

/** The rules in PROTOCOL.md's order, each on its own. */
function statusOf({ path, host, origin, subprotocols, draining, connections, connectionsOfAddress }: UpgradeFacts) {
  const admitted = origin === undefined || rules.allowedOrigins.has(origin) || isOurs(origin, host)
  const offered =
    subprotocols === undefined ||
    subprotocols
      .split(/ *, */)
      .map((name) => name.trim())
      .includes('le-mecano.v1')
  const rows: [boolean, number][] = [
    [path !== '/ws', 404],
    [!admitted, 403],
    [!offered, 400],
    [draining || connections > 2, 503],
    [connectionsOfAddress > 1, 429],
  ]
  return rows.find(([broken]) => broken)?.[1] ?? 101
}

function assertUpgrade(facts: UpgradeFacts): void {
  const verdict = judgeUpgrade(facts, rules)
  assert.is(verdict.ok ? 101 : verdict.status, statusOf(facts))
  if (verdict.ok) return
  assert.match(verdict.cause, /^[a-z_]+$/)
  assertAnswer(refusalBytes(verdict), verdict.status)
}

function assertAnswer(text: string, status: number): void {
  const [head = '', body, ...more] = text.split('\r\n\r\n')
  const [line, ...headers] = head.split('\r\n')
  assert.match(line ?? '', new RegExp(`^HTTP/1\\.1 ${status} [A-Za-z ]+$`))
  for (const header of headers) assert.match(header, /^[A-Za-z-]+: [\x20-\x7e]+$/)
  assert.is(headers.find((header) => header.startsWith('Content-Length'))?.split(' ')[1], String(body?.length))
  assert.is(more.length, 0)
}

const PAGE = {
  type: '',
  cache: '',
  etag: '',
  bodies: { identity: Buffer.from(''), br: Buffer.from(''), gzip: Buffer.from('') },
}

/** An encoding is given only when its name stands in the header, and not with q=0. */
function assertEncoding(header: string): void {
  const picked = pickEncoding(PAGE, header)
  const weights = new Map(
    header.split(',').map((part) => {
      const [name = '', ...params] = part.split(';').map((each) => each.trim().toLowerCase())
      return [name, params.some((param) => /^q=0(\.0*)?$/.test(param))]
    }),
  )
  const may = ['br', 'gzip'].filter((name) => header.toLowerCase().includes(name))
  if (picked !== 'identity') assert.ok(may.includes(picked), header)
  const once = new Set(header.toLowerCase().match(/br|gzip/g)).size === (header.match(/br|gzip/gi)?.length ?? 0)
  if (once) assert.is(picked, weights.get('br') === false ? 'br' : weights.get('gzip') === false ? 'gzip' : 'identity')
}

export const upgradeTargets: Target[] = [
  target(
    {
      name: 'upgrade',
      title: '[UPG2] [UPG3] any headers of an upgrade meet the first rule that they break',
      short: 1000,
    },
    facts,
    assertUpgrade,
  ),
  target(
    { name: 'encoding', title: 'any Accept-Encoding gets what it takes', short: 200, weight: 0.3 },
    made(['br', 'gzip', 'BR', 'deflate', '*', ',', ', ', ';q=0', ';q=0.5', '; Q=0.00', ' ', ';', '=', '\t', 'x'], 8),
    assertEncoding,
  ),
]
