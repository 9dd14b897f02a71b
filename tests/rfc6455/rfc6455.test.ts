import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startServer } from '../helpers/server.ts'
import { cases, verdictOf } from './cases.ts'
import { observe } from './observe.ts'

const wide = { IP_UPGRADE_BURST: '10000', IP_UPGRADES_PER_MINUTE: '10000', MAX_CONNECTIONS_PER_IP: '100' }
const server = startServer(wide)

for (const each of cases)
  test(`[RFC ${each.number}] ${each.what}`, async () => {
    const seen = await observe((await server).url, each)
    assert.not.equal(verdictOf(each, seen), 'FAILED', `${seen}, not ${each.wanted.join(' or ')}`)
  })

test('every case of Autobahn is there: 301 with 9.9.1 beside them, and an offer of each kind in 12 and 13', () => {
  const numbers = cases.map(({ number }) => number)
  assert.is(new Set(numbers).size, numbers.length)
  assert.is(numbers.filter((number) => /^([1-79]|10)\.[\d.]+$/.test(number)).length, 302)
  assert.is(numbers.filter((number) => /^1[23]\./.test(number)).length, 8)
})

test('the server ends', async () => (await server).close())

test.run()
