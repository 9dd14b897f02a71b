import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeAccess } from '../../server/ops/access.ts'

const TOKEN = 'a-token-of-the-admin'
const HERE = { host: '127.0.0.1:8080' }
const said = (peer: string | undefined, headers: Record<string, string>, token?: string) => {
  const access = judgeAccess({ peer, headers }, token)
  return access.ok ? 200 : access.status
}

test('this machine may, under any of its names', () => {
  for (const peer of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])
    for (const host of ['127.0.0.1', 'localhost:80', 'LOCALHOST', '[::1]:8080', '127.1.2.3:1'])
      for (const token of [undefined, TOKEN]) assert.is(said(peer, { host }, token), 200, `${peer} ${host}`)
})

test('other machines, Unix sockets and peers without an address may not', () => {
  for (const peer of ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', '10.0.0.1', '', 'nonsense', undefined]) {
    assert.is(said(peer, HERE), 403, peer)
    assert.is(said(peer, HERE, TOKEN), 401, peer)
  }
})

test('a name that is not of this machine is a page that points here', () => {
  const strange = [
    'shop.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '[::2]',
    '0.0.0.0',
    '128.0.0.1',
    '',
    'localhost:x',
  ]
  for (const host of strange) assert.is(said('127.0.0.1', { host }), 403, host)
  assert.is(said('127.0.0.1', {}), 403)
})

test('whoever speaks for somebody else is never this machine', () => {
  const names = [
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'forwarded',
    'x-real-ip',
    'via',
    'cf-connecting-ip',
  ]
  for (const name of names) {
    assert.is(said('127.0.0.1', { ...HERE, [name]: '127.0.0.1' }), 403, name)
    assert.is(said('::1', { ...HERE, [name]: '' }), 403, name)
  }
})

test('the token opens from anywhere, and a wrong one nowhere', () => {
  const bearer = (token: string) => ({ ...HERE, authorization: `Bearer ${token}` })
  for (const peer of ['192.0.2.1', undefined, '127.0.0.1']) {
    assert.is(said(peer, { ...bearer(TOKEN), host: 'shop.example', 'x-forwarded-for': '192.0.2.1' }, TOKEN), 200)
    assert.is(said(peer, { authorization: `bearer  ${TOKEN} ` }, TOKEN), 200)
    for (const wrong of [`${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase(), '', 'x'])
      assert.is(said(peer, bearer(wrong), TOKEN), 401, wrong)
    assert.is(said(peer, { ...HERE, authorization: `Basic ${TOKEN}` }, TOKEN), 401)
    assert.is(said(peer, { ...HERE, authorization: TOKEN }, TOKEN), 401)
  }
  assert.is(said('192.0.2.1', bearer('undefined')), 403)
  assert.is(said('192.0.2.1', bearer('')), 403)
})

test.run()
