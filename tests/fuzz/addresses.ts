import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import * as fc from 'fast-check'
import * as assert from 'uvu/assert'
import {
  addressKeys,
  clientAddress,
  isTrustedPeer,
  parseTrustedProxies,
  type TrustedProxies,
} from '../../server/quota/address.ts'
import { type Target, target } from './target.ts'
import { edited } from './texts.ts'

const LIST = ['127.0.0.0/8', '10.0.0.0/8', '192.0.2.7', '::1', '2001:db8::/32', 'fd00::/8']
const trusted = trust(LIST)
const blocks = blocksOf(LIST)

function trust(list: readonly string[]): TrustedProxies {
  const parsed = parseTrustedProxies(list)
  if (!parsed.ok) throw new Error(parsed.errors.join())
  return parsed.trusted
}

/** The same ranges for Node's own matcher. */
function blocksOf(list: readonly string[]): BlockList {
  const made = new BlockList()
  for (const entry of list) {
    const [host = '', length] = entry.split('/')
    const kind = isIPv4(host) ? 'ipv4' : 'ipv6'
    if (length === undefined) made.addAddress(host, kind)
    else made.addSubnet(host, Number(length), kind)
  }
  return made
}

const v6 = fc.oneof(
  fc.ipV6(),
  fc.array(fc.constantFrom('0', '1', 'db8', '2001', 'ffff', 'FE80'), { maxLength: 8 }).map((parts) => parts.join(':')),
)
const known = fc.constantFrom(
  '127.0.0.1',
  '10.1.2.3',
  '192.0.2.7',
  '192.0.2.8',
  '::1',
  '2001:db8::5',
  '2001:0DB8:0:0::5',
  '::ffff:10.1.2.3',
  '::ffff:7f00:1',
  'fd00::1',
  'fe80::1%eth0',
  '64:ff9b::1.2.3.4',
  '203.0.113.7',
)
const address = fc.oneof(known, fc.ipV4(), v6)
const TOKENS = [
  '.',
  ':',
  '::',
  '/',
  '%',
  '[',
  ']',
  ' ',
  '0',
  '00',
  '0x',
  'ffff',
  '1',
  ':80',
  '\t',
  '\n',
  ',',
  '-1',
  '256',
]
const odd = edited(address, TOKENS)
const entry = fc.oneof(
  { weight: 5, arbitrary: address },
  { weight: 1, arbitrary: fc.tuple(fc.ipV4(), fc.nat(70_000)).map(([host, port]) => `${host}:${port}`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(v6, fc.option(fc.nat(70_000)))
      .map(([host, port]) => `[${host}]${port === null ? '' : `:${port}`}`),
  },
  { weight: 2, arbitrary: odd },
  { weight: 1, arbitrary: fc.constantFrom('unknown', '_hidden', '', ' ', 'for=1.2.3.4', 'null') },
)
const header = fc.array(entry, { maxLength: 6 }).map((entries) => entries.join(', '))
const peer = fc.option(fc.oneof(address, odd), { nil: undefined })

/** Node's reading of one address, in the form of RFC 5952 that URLs have; undefined: it is none. */
function read(text: string): string | undefined {
  const zoneless = text.replace(/%.*$/, '')
  if (isIPv4(zoneless)) return zoneless
  if (!isIPv6(zoneless)) return undefined
  const host = new URL(`http://[${zoneless}]/`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(host) ?? []
  if (high === undefined || low === undefined) return host
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}

const isBlocked = (host: string, list: BlockList) => list.check(host, isIPv4(host) ? 'ipv4' : 'ipv6')

/** The walk from the right, written once more over Node's own parser and matcher. */
function walk(peer: string | undefined, header: string): string | undefined {
  let hop = peer === undefined ? undefined : read(peer)
  if (peer !== undefined && hop === undefined) return undefined
  for (const raw of header.split(',').reverse()) {
    if (hop !== undefined && !isBlocked(hop, blocks)) return hop
    const [, inside] = /^\[(.*)\](?::\d{1,5})?$/.exec(raw.trim()) ?? []
    const [, bare] = /^([\d.]+):\d{1,5}$/.exec(raw.trim()) ?? []
    const next = read(inside ?? (bare !== undefined && isIPv4(bare) ? bare : raw.trim()))
    if (next === undefined) return hop
    hop = next
  }
  return hop
}

function assertWalk([peer, header]: [string | undefined, string]): void {
  const found = clientAddress(peer, header, { ...trusted, unix: true })
  assert.is(found, walk(peer, header))
  if (found === undefined) return
  assert.ok(isIP(found) > 0, `${found} is no address`)
  assert.is(clientAddress(found, undefined, trusted), found, 'what it gives it takes again')
  assertKeys(found)
}

function assertKeys(found: string): void {
  const keys = addressKeys(found)
  if (isIPv4(found)) return assert.equal(keys, [{ key: found, scale: 1 }])
  assert.is(keys.length, 3)
  for (const { key } of keys) {
    const [base = '', bits = ''] = key.split('/')
    assert.ok(isBlocked(found, blocksOf([key])), `${found} is not in ${key}`)
    assert.ok(
      addressKeys(base).some((again) => again.key === key),
      `${key} has bits beyond ${bits}`,
    )
  }
}

/** Nobody without trust changes his address, whatever he sends. */
function assertForged([peer, header]: [string | undefined, string]): void {
  const nobody: TrustedProxies = { unix: false, ranges: [] }
  assert.is(clientAddress(peer, header, nobody), peer === undefined ? undefined : read(peer))
}

const proxy = fc.oneof(
  { weight: 3, arbitrary: address },
  {
    weight: 3,
    arbitrary: fc.tuple(address, fc.integer({ min: -1, max: 140 })).map(([host, bits]) => `${host}/${bits}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('unix', 'loopback', '', ' ', 'shop') },
  { weight: 1, arbitrary: odd },
)

/** An entry of the list, for Node's matcher: undefined when it is none. */
function rangeOf(entry: string): [base: string, bits: number] | undefined {
  const [host = '', length, ...rest] = entry.split('/')
  const base = read(host)
  if (base === undefined || rest.length > 0) return undefined
  const most = isIPv4(base) ? 32 : 128
  if (length === undefined) return [base, most]
  const bits = /^\d{1,3}$/.test(length) ? Number(length) - (most === 32 && host.includes(':') ? 96 : 0) : -1
  return bits >= 0 && bits <= most ? [base, bits] : undefined
}

function assertProxies([list, peer]: [string[], string]): void {
  const parsed = parseTrustedProxies(list)
  const names = list
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '' && entry !== 'unix')
    .flatMap((entry) => (entry === 'loopback' ? ['127.0.0.0/8', '::1/128'] : entry))
  const ranges = names.map(rangeOf)
  assert.is(parsed.ok, !ranges.includes(undefined), JSON.stringify(list))
  if (!parsed.ok)
    return assert.equal(
      parsed.errors.map((error) => error.slice(1, error.lastIndexOf('"'))),
      names.filter((_, i) => ranges[i] === undefined),
    )
  const host = read(peer)
  const inside = (range: [string, number] | undefined) =>
    range !== undefined &&
    host !== undefined &&
    isIP(host) === isIP(range[0]) &&
    isBlocked(host, blocksOf([range.join('/')]))
  assert.is(isTrustedPeer(peer, parsed.trusted), ranges.some(inside))
  assert.is(
    isTrustedPeer(undefined, parsed.trusted),
    list.some((entry) => entry.trim() === 'unix'),
  )
}

const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16))
const half = fc.array(group, { minLength: 4, maxLength: 4 }).map((groups) => groups.join(':'))

export const addressTargets: Target[] = [
  target(
    {
      name: 'forwarded',
      title: 'the header is read from the right through trusted hops, as Node reads addresses',
      short: 1000,
    },
    fc.tuple(peer, header),
    assertWalk,
    [
      ['::1.2.3.4', ''],
      ['64:ff9b::1.2.3.0x4', ''],
      ['::00127.0.0.1', ''],
    ],
  ),
  target(
    {
      name: 'forged',
      title: 'without trust no forwarding header changes an address, whatever it says',
      short: 300,
      weight: 0.3,
    },
    fc.tuple(peer, fc.oneof(header, fc.string({ unit: 'binary' }))),
    assertForged,
  ),
  target(
    {
      name: 'proxies',
      title: 'a list of proxies trusts whom Node’s own matcher would, or names every wrong entry',
      short: 1000,
    },
    fc.tuple(fc.array(proxy, { maxLength: 4 }), address),
    assertProxies,
    [
      [['::0.0.0.0/0'], '0.0.0.0'],
      [['::10.100.0x10.10'], '0.0.0.0'],
    ],
  ),
  target(
    { name: 'network', title: 'any address of one /64 is one client', short: 300, weight: 0.3 },
    fc.tuple(half, half, half),
    ([net, one, other]) => assert.equal(addressKeys(`${net}:${one}`), addressKeys(`${net}:${other}`)),
  ),
]
