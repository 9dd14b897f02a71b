import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeUpgrade, refusalBytes, type UpgradeFacts, type UpgradeRules } from '../../server/socket/upgrade.ts'

const rules: UpgradeRules = {
  path: '/ws',
  subprotocol: 'le-mecano.v1',
  allowedOrigins: new Set(['https://shop.example', 'http://localhost:5173']),
  maxConnections: 3,
  maxConnectionsPerAddress: 2,
}
const fine: UpgradeFacts = {
  path: '/ws',
  host: 'chat.example',
  origin: 'https://chat.example',
  subprotocols: 'le-mecano.v1',
  draining: false,
  connections: 0,
  connectionsOfAddress: 0,
}
const judge = (facts: Partial<UpgradeFacts>) => judgeUpgrade({ ...fine, ...facts }, rules)
const statusOf = (facts: Partial<UpgradeFacts>) => {
  const verdict = judge(facts)
  return verdict.ok ? 101 : verdict.status
}

const table: [string, Partial<UpgradeFacts>, number][] = [
  ['all is well', {}, 101],
  ['another path', { path: '/' }, 404],
  ['a longer path', { path: '/ws/' }, 404],
  ['a disguised path', { path: '/%77s' }, 404],
  ['another case', { path: '/WS' }, 404],
  ['an absolute address', { path: 'http://chat.example/ws' }, 404],

  ['no origin is no browser', { origin: undefined }, 101],
  ['no origin and no host', { origin: undefined, host: undefined }, 101],
  ['our own origin on plain http', { origin: 'http://chat.example' }, 101],
  ['our own, the default port named in Host', { host: 'chat.example:443' }, 101],
  ['our own on http, its default port named', { host: 'chat.example:80', origin: 'http://chat.example' }, 101],
  ['our own on a port', { host: 'chat.example:8080', origin: 'http://chat.example:8080' }, 101],
  ['our own, Host in capitals', { host: 'Chat.Example' }, 101],
  ['our own by IPv6', { host: '[::1]:8080', origin: 'http://[::1]:8080' }, 101],
  ['an allowed origin', { origin: 'https://shop.example' }, 101],
  ['an allowed origin with a port', { origin: 'http://localhost:5173' }, 101],
  ['another scheme of an allowed host', { origin: 'http://shop.example' }, 403],
  ['another port of our host', { origin: 'https://chat.example:444' }, 403],
  ["the other scheme's default port", { host: 'chat.example:80' }, 403],
  ['null', { origin: 'null' }, 403],
  ['null as a host too', { origin: 'null', host: 'null' }, 403],
  ['an empty origin', { origin: '' }, 403],
  ['a stranger', { origin: 'https://evil.example' }, 403],
  ['a stranger below us', { origin: 'https://chat.example.evil.example' }, 403],
  ['a stranger who ends like us', { origin: 'https://evilchat.example' }, 403],
  ['a sub-domain of ours', { origin: 'https://x.chat.example' }, 403],
  ['two origins', { origin: 'https://chat.example, https://evil.example' }, 403],
  ['our origin with a path', { origin: 'https://chat.example/' }, 403],
  ['our origin with a user', { origin: 'https://evil.example@chat.example' }, 403],
  ['a file', { origin: 'file://', host: '' }, 403],
  ['an extension', { origin: 'chrome-extension://chat.example' }, 403],
  ['another kind of address', { origin: 'ws://chat.example' }, 403],
  ['an origin, but no host', { host: undefined }, 403],

  ['no subprotocol at all', { subprotocols: undefined }, 101],
  ['ours among others', { subprotocols: 'other, le-mecano.v1' }, 101],
  ['only others', { subprotocols: 'other, le-mecano.v2' }, 400],
  ['ours inside another', { subprotocols: 'xle-mecano.v1' }, 400],
  ['an empty offer', { subprotocols: '' }, 400],

  ['draining', { draining: true }, 503],
  ['one place left', { connections: 2 }, 101],
  ['full', { connections: 3 }, 503],
  ['one place left for this address', { connectionsOfAddress: 1 }, 101],
  ['too many from this address', { connectionsOfAddress: 2 }, 429],
]

function ruleOf(status: number, facts: Partial<UpgradeFacts>): string {
  if ('path' in facts) return 'UPG3'
  if ('origin' in facts || 'host' in facts) return 'UPG2'
  if ('connectionsOfAddress' in facts) return 'UPG4'
  return status === 503 || 'connections' in facts ? 'UPG5' : 'UPG1'
}

for (const [name, facts, status] of table) {
  test(`[${ruleOf(status, facts)}] ${name}: ${status}`, () => assert.is(statusOf(facts), status))
}

test('[UPG2] the first rule that is broken answers, so a stranger learns nothing of our state', () => {
  const full = { draining: true, connections: 9, connectionsOfAddress: 9 }
  assert.is(statusOf({ ...full, path: '/x', origin: 'null', subprotocols: 'x' }), 404)
  assert.is(statusOf({ ...full, origin: 'null', subprotocols: 'x' }), 403)
  assert.is(statusOf({ ...full, subprotocols: 'x' }), 400)
  assert.is(statusOf(full), 503)
  assert.is(statusOf({ connections: 9, connectionsOfAddress: 9 }), 503)
})

test('[UPG4] a refusal is a whole answer that ends the connection and says when to come back', () => {
  const text = refusalBytes({ ok: false, status: 429, cause: 'upgrades', retryAfterMs: 1001 })
  const [head = '', body = ''] = text.split('\r\n\r\n')
  assert.match(head, /^HTTP\/1\.1 429 Too Many Requests\r\n/)
  assert.match(head, /\r\nConnection: close(\r\n|$)/)
  assert.match(head, /\r\nRetry-After: 2(\r\n|$)/)
  assert.match(head, `\r\nContent-Length: ${body.length}`)
  assert.match(refusalBytes({ ok: false, status: 503, cause: 'x', retryAfterMs: 0 }), '\r\nRetry-After: 1\r\n')
  assert.not.match(refusalBytes({ ok: false, status: 403, cause: 'origin' }), 'Retry-After')
})

test.run()
