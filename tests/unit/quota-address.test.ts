import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { TrustedProxies } from '../../server/quota/address.ts'
import {
  addressKeys,
  addressTakes,
  clientAddress,
  hashKey,
  isTrustedPeer,
  parseTrustedProxies,
} from '../../server/quota/address.ts'

const NOBODY: TrustedProxies = { unix: false, ranges: [] }
function trust(...list: string[]): TrustedProxies {
  const parsed = parseTrustedProxies(list)
  if (!parsed.ok) throw new Error(parsed.errors.join())
  return parsed.trusted
}
const keys = (address: string | undefined) => addressKeys(address).map(({ key }) => key)

test('without trust, forwarding headers change nothing', () => {
  assert.is(clientAddress('203.0.113.7', '1.1.1.1', NOBODY), '203.0.113.7')
  assert.is(clientAddress('203.0.113.7', '1.1.1.1', trust('10.0.0.0/8', 'loopback', 'unix')), '203.0.113.7')
})

test('the header is read from the right, through trusted hops only', () => {
  const proxies = trust('loopback', '10.0.0.0/8')
  const cases: [string, string][] = [
    ['203.0.113.7', '203.0.113.7'],
    ['6.6.6.6, 203.0.113.7', '203.0.113.7'],
    ['6.6.6.6, 203.0.113.7, 10.1.2.3', '203.0.113.7'],
    ['6.6.6.6,203.0.113.7,10.1.2.3,10.9.9.9', '203.0.113.7'],
    ['10.1.2.3, 10.9.9.9', '10.1.2.3'],
    ['203.0.113.7:5544', '203.0.113.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:0DB8:0:0::1', '2001:db8::1'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
  ]
  for (const [header, wanted] of cases) assert.is(clientAddress('127.0.0.1', header, proxies), wanted, header)
})

test('an entry that is no address ends the walk at the nearest trusted hop', () => {
  const proxies = trust('loopback', '10.0.0.0/8')
  const garbage = [
    'unknown',
    '',
    ' ',
    '_hidden',
    '1.2.3',
    '010.1.1.1',
    '0x7f.0.0.1',
    '1.2.3.4.5',
    '[::1',
    'a'.repeat(9000),
  ]
  for (const entry of garbage) {
    assert.is(clientAddress('127.0.0.1', `6.6.6.6, ${entry}`, proxies), '127.0.0.1', entry)
    assert.is(clientAddress('127.0.0.1', `6.6.6.6, ${entry}, 10.1.1.1`, proxies), '10.1.1.1', entry)
  }
})

test('no header, an empty one, or a peer that is no address', () => {
  assert.is(clientAddress('127.0.0.1', undefined, trust('loopback')), '127.0.0.1')
  assert.is(clientAddress('127.0.0.1', '', trust('loopback')), '127.0.0.1')
  assert.is(clientAddress('nonsense', '1.1.1.1', trust('unix')), undefined)
})

test('a Unix-socket peer has no address and is trusted by "unix" alone', () => {
  assert.is(clientAddress(undefined, '203.0.113.7', trust('loopback')), undefined)
  assert.is(clientAddress(undefined, '203.0.113.7', trust('unix')), '203.0.113.7')
  assert.is(clientAddress(undefined, '6.6.6.6, 203.0.113.7', trust('unix')), '203.0.113.7')
  assert.is(clientAddress(undefined, undefined, trust('unix')), undefined)
  assert.is(isTrustedPeer(undefined, trust('unix')), true)
  assert.is(isTrustedPeer(undefined, trust('loopback')), false)
  assert.is(isTrustedPeer('::ffff:127.0.0.1', trust('loopback')), true)
  assert.is(isTrustedPeer('203.0.113.7', trust('loopback')), false)
})

test('every entry of the list that is wrong is named', () => {
  const parsed = parseTrustedProxies([
    '10.0.0.0/8',
    'shop',
    ' ',
    '1.2.3.4/33',
    '::1/129',
    '1.2.3/8',
    '10.0.0.0/8/8',
    '::1/',
  ])
  assert.equal(parsed.ok ? [] : parsed.errors.map((error) => error.split('"')[1]), [
    'shop',
    '1.2.3.4/33',
    '::1/129',
    '1.2.3/8',
    '10.0.0.0/8/8',
    '::1/',
  ])
})

test('ranges: single addresses, IPv6, mapped forms, zero lengths', () => {
  assert.ok(isTrustedPeer('192.0.2.1', trust('192.0.2.1')))
  assert.not(isTrustedPeer('192.0.2.2', trust('192.0.2.1')))
  assert.ok(isTrustedPeer('2001:db8:1::5', trust('2001:db8::/32')))
  assert.not(isTrustedPeer('2001:db9::5', trust('2001:db8::/32')))
  assert.ok(isTrustedPeer('10.2.3.4', trust('::ffff:10.0.0.0/104')))
  assert.not(isTrustedPeer('2001:db8::1', trust('0.0.0.0/0')))
})

test('IPv4 keys are whole addresses, also when mapped or with a zone', () => {
  assert.equal(keys('203.0.113.7'), ['203.0.113.7'])
  assert.equal(keys('::ffff:203.0.113.7'), ['203.0.113.7'])
  assert.equal(keys('::ffff:cb00:7107'), ['203.0.113.7'])
  assert.equal(keys(undefined), ['none'])
})

test('IPv6 keys are the /64 and the wider /56 and /48', () => {
  const wanted = ['2001:db8:aaaa:bbcc::/64', '2001:db8:aaaa:bb00::/56', '2001:db8:aaaa::/48']
  assert.equal(keys('2001:db8:aaaa:bbcc:1:2:3:4'), wanted)
  assert.equal(keys('fe80::1%eth0')[0], 'fe80::/64')
  assert.equal(
    addressKeys('2001:db8::1').map(({ scale }) => scale),
    [1, 4, 16],
  )
})

test('wider keys have wider buckets', () => {
  const takes = addressTakes({ name: 'ip', burst: 10, perMinute: 20 }, addressKeys('2001:db8::1'))
  assert.equal(
    takes.map(({ rule }) => [rule.name, rule.burst, rule.perMinute]),
    [
      ['ip', 10, 20],
      ['ip', 40, 80],
      ['ip', 160, 320],
    ],
  )
})

test('hashed keys are short, steady within a salt, and apart between salts', () => {
  assert.is(hashKey('203.0.113.7', 'salt'), hashKey('203.0.113.7', 'salt'))
  assert.is.not(hashKey('203.0.113.7', 'salt'), hashKey('203.0.113.7', 'pepper'))
  assert.match(hashKey('203.0.113.7', 'salt'), /^[\w-]{10}$/)
})

test.run()
