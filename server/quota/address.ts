import { createHmac } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { BucketRule, BucketTake } from './port.ts'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = { base: Address; bits: number }

/** Who may speak for a client: address ranges, and whether the peer of a Unix socket (which has no address) may. */
export type TrustedProxies = { unix: boolean; ranges: readonly Range[] }
export type ParsedProxies = { ok: true; trusted: TrustedProxies } | { ok: false; errors: string[] }

/** A bucket key, and how many times wider its bucket is than a single client's. */
export type AddressKey = { key: string; scale: number }

const LOOPBACK = ['127.0.0.0/8', '::1/128']
// A visitor holds a /64; a /56 or /48 is one site, so rotating inside it must not pay, but a school may sit behind it.
const IPV6_WIDTHS = [
  { bits: 64, scale: 1 },
  { bits: 56, scale: 4 },
  { bits: 48, scale: 16 },
]

/** Addresses, CIDR ranges, `loopback` and `unix` -> who is trusted, or every entry that is none of these. */
export function parseTrustedProxies(list: readonly string[]): ParsedProxies {
  const entries = list.map((entry) => entry.trim()).filter((entry) => entry !== '')
  const names = entries
    .filter((entry) => entry !== 'unix')
    .flatMap((entry) => (entry === 'loopback' ? LOOPBACK : entry))
  const ranges: Range[] = []
  const errors: string[] = []
  for (const name of names) {
    const range = parseRange(name)
    if (range) ranges.push(range)
    else errors.push(`"${name}" is not an address, a CIDR range, loopback or unix`)
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, trusted: { unix: entries.includes('unix'), ranges } }
}

/**
 * The client's address in canonical text. X-Forwarded-For is believed from the right and only while the speaker is
 * trusted; an entry that is no address ends the walk at the hop that named it. `undefined`: a peer without an address.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trusted: TrustedProxies,
): string | undefined {
  let hop = peer === undefined ? undefined : parseAddress(peer)
  if (peer !== undefined && !hop) return undefined
  const entries = (forwardedFor ?? '').split(',')
  while (entries.length > 0 && (hop ? isTrusted(hop, trusted) : trusted.unix)) {
    const next = parseAddress(hostOf((entries.pop() ?? '').trim()))
    if (!next) break
    hop = next
  }
  return hop && canonical(hop)
}

/** Whether `peer` (undefined: a Unix socket) may set forwarding headers. */
export function isTrustedPeer(peer: string | undefined, trusted: TrustedProxies): boolean {
  if (peer === undefined) return trusted.unix
  const address = parseAddress(peer)
  return address !== undefined && isTrusted(address, trusted)
}

/** The keys of one client, narrowest first: IPv4 /32, or IPv6 /64, /56 and /48. No address at all shares one key. */
export function addressKeys(address: string | undefined): [AddressKey, ...AddressKey[]] {
  const parsed = address === undefined ? undefined : parseAddress(address)
  if (!parsed) return [{ key: 'none', scale: 1 }]
  if (parsed.kind() === 'ipv4') return [{ key: parsed.toString(), scale: 1 }]
  const [first, ...wider] = IPV6_WIDTHS.map(({ bits, scale }) => ({ key: prefix(parsed, bits), scale }))
  return first ? [first, ...wider] : [{ key: parsed.toString(), scale: 1 }]
}

/** One token from `rule`'s bucket of the client, and from the wider ones around it. */
export function addressTakes(rule: BucketRule, keys: readonly AddressKey[]): BucketTake[] {
  return keys.map(({ key, scale }) => ({
    rule: scale === 1 ? rule : { name: rule.name, burst: rule.burst * scale, perMinute: rule.perMinute * scale },
    key,
  }))
}

/** A short name for a key, for logs: the same within a `salt`, and not to be turned back without it. */
export const hashKey = (key: string, salt: string): string =>
  createHmac('sha256', salt).update(key).digest('base64url').slice(0, 10)

function parseAddress(text: string): Address | undefined {
  const zoneless = text.replace(/%.*$/, '')
  // Four decimal parts only: shorter, octal and hexadecimal forms read differently from parser to parser.
  if (ipaddr.IPv4.isValidFourPartDecimal(zoneless)) return ipaddr.IPv4.parse(zoneless)
  const tail = zoneless.slice(zoneless.lastIndexOf(':') + 1)
  if (tail.includes('.') && !ipaddr.IPv4.isValidFourPartDecimal(tail)) return undefined
  if (!ipaddr.IPv6.isValid(zoneless)) return undefined
  // ipaddr.js takes ::1.2.3.4 for ::ffff:1.2.3.4, which is another address.
  const address = ipaddr.IPv6.parse(zoneless.replace(/^::(?=\d+\.)/, '::0:'))
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

/** `[::1]:443`, `[::1]` and `1.2.3.4:443` -> their host; anything else as it is. */
function hostOf(entry: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry)
  const withPort = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/.exec(entry)
  return bracketed?.[1] ?? withPort?.[1] ?? entry
}

function parseRange(text: string): Range | undefined {
  const [host = '', length, ...rest] = text.split('/')
  const base = parseAddress(host)
  if (!base || rest.length > 0) return undefined
  // The length of a mapped range counts the 96 bits in front, which are gone in its IPv4 form.
  const width = base.kind() === 'ipv4' ? 32 : 128
  const mapped = width === 32 && host.includes(':')
  if (length === undefined) return { base, bits: width }
  if (!/^\d{1,3}$/.test(length)) return undefined
  const bits = Number(length) - (mapped ? 96 : 0)
  return bits < 0 || bits > width ? undefined : { base, bits }
}

const isTrusted = (address: Address, { ranges }: TrustedProxies): boolean =>
  ranges.some(({ base, bits }) => address.kind() === base.kind() && address.match(base, bits))

const canonical = (address: Address): string =>
  address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()

function prefix(address: Address, bits: number): string {
  const bytes = address.toByteArray().map((byte, index) => (index * 8 < bits ? byte : 0))
  return `${canonical(ipaddr.fromByteArray(bytes))}/${bits}`
}
