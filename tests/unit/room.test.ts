import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { descriptorLimit, roomWithin } from '../../server/http/room.ts'

const USUAL = { maxConnections: 5000, maxStreams: 200 }

test('where descriptors are plenty, or the system does not tell, the settings hold', () => {
  for (const limit of [undefined, 6264, 1_048_576])
    assert.equal(roomWithin(limit, USUAL), { sockets: 5000, spare: 1000, wanted: 6264 })
})

test('where they are few, the store and the model keep theirs, and somebody is let in all the same', () => {
  for (let limit = 3; limit < 6264; limit += 7) {
    const { sockets, spare } = roomWithin(limit, USUAL)
    assert.ok(sockets >= 1 && spare >= 1, `${limit}`)
    if (limit < 100) continue
    const left = limit - 64 - sockets - spare
    assert.ok(left >= Math.min(200, Math.floor((limit - 64) / 3)), `${limit}: ${sockets} ${spare}`)
  }
})

test('this system tells how many a process may open', async () => {
  const limit = await descriptorLimit()
  assert.ok(process.platform !== 'linux' || (limit ?? 0) > 0)
})

test.run()
