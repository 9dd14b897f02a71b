import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Kept } from '../../server/chat/ports.ts'
import type { StoreKind } from './stores.ts'
import { storeKinds } from './stores.ts'

const blob = (...values: number[]) => Uint8Array.from(values)
const blobsOf = (kept: Kept | undefined) => (kept?.at === 'here' ? kept.blobs : undefined)
const plain = (kept: Kept | undefined) => blobsOf(kept)?.map((each) => [...each])

function conversationContract(kind: StoreKind): void {
  const it = (name: string, run: Parameters<typeof kind.use>[0]) => test(`${kind.name}: ${name}`, () => kind.use(run))

  it('turns come back in order, replaced where put again', async ({ clock, open }) => {
    const { conversations } = await open()
    const later = clock.now() + 1000
    for (const n of [2, 0, 10, 1]) await conversations.put('s', n, blob(n), later)
    await conversations.put('s', 1, blob(), later)
    await conversations.put('other', 0, blob(7), later)
    assert.equal(plain(await conversations.load('s')), [[0], [], [2], [10]])
    assert.is(await conversations.load('unknown'), undefined)
  })

  it('a blob is a copy, both ways', async ({ clock, open }) => {
    const { conversations } = await open()
    const mine = new Uint8Array(8).fill(1).subarray(2, 5)
    await conversations.put('s', 0, mine, clock.now() + 1000)
    mine.fill(9)
    const [loaded] = blobsOf(await conversations.load('s')) ?? []
    loaded?.fill(8)
    assert.equal(plain(await conversations.load('s')), [[1, 1, 1]])
  })

  it('trim removes the turns below, erase everything', async ({ clock, open }) => {
    const { conversations } = await open()
    for (const n of [0, 1, 2, 3]) await conversations.put('s', n, blob(n), clock.now() + 1000)
    await conversations.trim('s', 2)
    assert.equal(plain(await conversations.load('s')), [[2], [3]])
    await conversations.trim('unknown', 2)
    await conversations.erase('s')
    await conversations.erase('s')
    assert.is(await conversations.load('s'), undefined)
    await conversations.put('s', 0, blob(5), clock.now() + 1000)
    assert.equal(plain(await conversations.load('s')), [[5]])
  })

  it('a session expires at its last put’s time, and its turns do not come back', async ({ clock, open }) => {
    const { conversations } = await open()
    const start = clock.now()
    await conversations.put('s', 0, blob(0), start + 1000)
    await conversations.put('s', 1, blob(1), start + 2000)
    clock.advance(1999)
    assert.is(blobsOf(await conversations.load('s'))?.length, 2)
    clock.advance(1)
    assert.is(await conversations.load('s'), undefined)
    await conversations.put('s', 2, blob(2), start + 9000)
    assert.equal(plain(await conversations.load('s')), [[2]])
  })

  it('sweep erases what expired and counts sessions', async ({ clock, open }) => {
    const { conversations } = await open()
    const start = clock.now()
    for (const [key, ttl] of [
      ['a', 10],
      ['b', 20],
      ['c', 30],
    ] as const) {
      await conversations.put(key, 0, blob(1), start + ttl)
      await conversations.put(key, 1, blob(1), start + ttl)
    }
    assert.is(await conversations.sweep(start + 20), 2)
    assert.is(await conversations.sweep(start + 20), 0)
    assert.is(blobsOf(await conversations.load('c'))?.length, 2)
    assert.is(await conversations.load('a'), undefined)
  })

  if (!kind.shared) return

  it('a session is one process’s alone, until that gives it up or is gone', async ({ clock, open }) => {
    const [one, two] = [(await open()).conversations, (await open()).conversations]
    const later = clock.now() + 1000
    assert.is(await one.put('s', 0, blob(1), later), true)
    const there = await two.load('s')
    assert.is(there?.at, 'elsewhere')
    assert.is(await two.put('s', 0, blob(2), later), false)
    assert.is(await two.erase('s').catch((cause) => cause.code), 'elsewhere')
    await two.leave('s')
    assert.equal(await two.load('s', 'somebody'), there)
    assert.equal(plain(await one.load('s')), [[1]])
    await one.leave('s')
    assert.equal(plain(await two.load('s')), [[1]])
    assert.is(await one.put('s', 0, blob(3), later), false)
    const owner = await one.load('s')
    assert.is(owner?.at, 'elsewhere')
    assert.equal(plain(await one.load('s', owner?.at === 'elsewhere' ? owner.owner : '')), [[1]])
    assert.is(await two.put('s', 0, blob(4), later), false, 'the one that was thought gone')
    await one.erase('s')
    assert.is(await two.load('s'), undefined)
    assert.is(await two.put('s', 0, blob(5), later), true)
  })

  it('of many that come for a session at once, one gets it', async ({ clock, open }) => {
    const stores = await Promise.all([open(), open(), open()])
    await stores[0]?.conversations.put('s', 0, blob(1), clock.now() + 1000)
    await stores[0]?.conversations.leave('s')
    const found = await Promise.all(stores.map(({ conversations }) => conversations.load('s')))
    assert.is(found.filter((kept) => kept?.at === 'here').length, 1)
    assert.is(new Set(found.flatMap((kept) => (kept?.at === 'elsewhere' ? [kept.owner] : []))).size, 1)
  })

  it('an expired session is free, whoever had it', async ({ clock, open }) => {
    const [one, two] = [(await open()).conversations, (await open()).conversations]
    await one.put('s', 0, blob(1), clock.now() + 10)
    clock.advance(10)
    assert.is(await two.load('s'), undefined)
    assert.is(await two.put('s', 0, blob(2), clock.now() + 10), true)
    assert.equal(plain(await two.load('s')), [[2]])
  })
}

for (const kind of storeKinds) conversationContract(kind)

test.run()
