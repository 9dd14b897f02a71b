import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../server/clock.ts'
import { silentLog } from '../../server/log.ts'
import type { ReserveOrder } from '../../server/quota/ledger.ts'
import { initStore, openStore } from '../../server/stores/open.ts'
import type { Store } from '../../server/stores/port.ts'
import { startWatched, type Watched } from '../helpers/sentinel.ts'

// A real primary, its real replica and a real Sentinel: what was spent outlives the primary.
const TODAY = { day: '2026-01-15', month: '2026-01', daysLeft: 17 }
const CAPS = { dayNano: 1000, monthNano: 100_000 }
const order = (id: string, nano: number): ReserveOrder => {
  return { ...TODAY, id, nano, owner: 'boot', caps: CAPS, scopes: [], at: Date.UTC(2026, 0, 15), hour: 0 }
}
const outcomeOf = (store: Store, id: string, nano: number): Promise<string> =>
  store.ledger.reserve(order(id, nano)).then(
    (reserved) => (reserved.ok ? 'admitted' : reserved.cause),
    (error) => error.code,
  )
/** The first outcome past those of a connection that is on its way. */
async function decided(store: Store, id: string, nano: number): Promise<string> {
  for (;;) {
    const outcome = await outcomeOf(store, id, nano)
    if (outcome !== 'unreachable') return outcome
    await setImmediate()
  }
}
/** Admitted, and the replica has it, however long a busy machine takes: the same reserve again changes nothing. */
async function admits(store: Store, id: string, nano: number): Promise<void> {
  let outcome: string
  do outcome = await outcomeOf(store, id, nano)
  while (outcome === 'unconfirmed')
  assert.is(outcome, 'admitted')
}
const heldIn = async (store: Store) => (await store.ledger.snapshot(TODAY, CAPS)).spent.held

type Scene = Watched & { open(url?: string): Promise<Store> }

async function watching(run: (scene: Scene) => Promise<void>): Promise<void> {
  const watched = await startWatched()
  if (!watched) return
  const opened: Store[] = []
  const open = async (url = watched.url) => {
    const store = await openStore(url, { clock: systemClock, log: silentLog })
    opened.push(store)
    return store
  }
  try {
    await run({ ...watched, open })
  } finally {
    for (const store of opened) await store.close()
    await watched.close()
  }
}

async function ready(...stores: Store[]): Promise<void> {
  for (const store of stores) while (!(await store.ready())) await setImmediate()
}

/** From here on the replica learns nothing, and nothing waits for it on the way. */
async function cutOff({ primary, replica }: Watched): Promise<void> {
  replica.signal('SIGSTOP')
  await primary.command('CLIENT', 'KILL', 'TYPE', 'replica')
}

async function dies({ primary, replica, takeOver }: Watched): Promise<void> {
  await primary.kill()
  replica.signal('SIGCONT')
  await takeOver()
}

/** A name that leads to one server, and may lead to another later: its connections go on where they are. */
async function name(leadsTo: number) {
  let port = leadsTo
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  }
  const server = createServer((near) => {
    const far = keep(connect(port, '127.0.0.1'))
    keep(near).pipe(far).pipe(near)
    far.on('close', () => near.destroy())
    near.on('close', () => far.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `redis://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    leadTo(next: number) {
      port = next
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

test('Sentinel: the primary dies, and what was admitted on any node is still spent', () =>
  watching(async (watched) => {
    await initStore(watched.url, silentLog)
    const [one, two] = [await watched.open(), await watched.open()]
    assert.equal([await outcomeOf(one, 'a', 300), await outcomeOf(two, 'b', 300)], ['admitted', 'admitted'])
    // What didn't reach the replica isn't admitted, so nothing is bought for it.
    await cutOff(watched)
    assert.is(await outcomeOf(one, 'lost', 100), 'unconfirmed')
    await dies(watched)
    await ready(one, two)
    assert.equal([await heldIn(one), await heldIn(two)], [600, 600])
    // As long as nobody copies the new one, it would be the only one to know.
    assert.is(await decided(two, 'alone', 1), 'unconfirmed')
    await watched.primary.start()
    await watched.primary.command('REPLICAOF', '127.0.0.1', String(watched.replica.port))
    while ((await outcomeOf(one, 'c', 300)) !== 'admitted') await setImmediate()
    // It looked elsewhere meanwhile, because nobody confirmed.
    assert.is(await decided(two, 'd', 100), 'day')
    assert.is((await two.ledger.snapshot(TODAY, CAPS)).halted, undefined)
  }))

test('nobody waited for the replica that takes over: admission is halted everywhere until the admin resumes it', () =>
  watching(async (watched) => {
    const door = await name(watched.primary.port)
    try {
      await initStore(door.url, silentLog)
      const [one, two] = [await watched.open(door.url), await watched.open(door.url)]
      await admits(one, 'a', 300)
      while ((await watched.replica.command('EXISTS', '{le-mecano}:hold:a')) !== 1) await setImmediate()
      await cutOff(watched)
      await admits(one, 'bought', 700)
      assert.is(await outcomeOf(one, 'more', 1), 'day')
      door.leadTo(watched.replica.port)
      await dies(watched)
      await ready(two)
      assert.is(await heldIn(two), 300, 'the replica never heard of it')
      assert.equal([await decided(two, 'again', 700), await decided(one, 'again', 700)], ['halted', 'halted'])
      assert.is((await one.ledger.report(TODAY, CAPS)).halted, 'failover')
      await two.ledger.resume()
      await admits(one, 'accepted', 1)
      const late = await watched.open(door.url)
      await admits(late, 'later', 1)
    } finally {
      door.close()
    }
  }))

test('a switch by hand: the old primary becomes a replica, the name leads to the new one, and nodes follow', () =>
  watching(async ({ primary, replica, open }) => {
    const door = await name(primary.port)
    try {
      await initStore(door.url, silentLog)
      const store = await open(`${door.url}?replicas=1`)
      await admits(store, 'a', 300)
      await replica.command('REPLICAOF', 'NO', 'ONE')
      await primary.command('REPLICAOF', '127.0.0.1', String(replica.port))
      const refused = await open(`redis://127.0.0.1:${primary.port}`).catch((error) => error)
      assert.match(`${refused.code}: ${refused.message}`, /^replica: this Redis is a replica, .*primary$/)
      assert.is(await outcomeOf(store, 'b', 1), 'unreachable')
      door.leadTo(replica.port)
      while ((await outcomeOf(store, 'c', 300)) !== 'admitted') await setImmediate()
      assert.is(await heldIn(store), 600)
      assert.is((await store.ledger.snapshot(TODAY, CAPS)).halted, undefined)
    } finally {
      door.close()
    }
  }))

test('an address by Sentinel that leads nowhere, or that nothing would outlive, is refused in a sentence', async () => {
  const refusal = async (url: string) => {
    const { code, message } = await openStore(url, { clock: systemClock, log: silentLog }).catch((error) => error)
    return `${code}: ${message}`
  }
  assert.match(await refusal('redis+sentinel://127.0.0.1/shop'), /^bad_url: by Sentinel it needs \?replicas=1/)
  for (const wrong of ['redis+sentinel://127.0.0.1', 'redis+sentinel:///shop', 'redis+sentinel://a b/shop'])
    assert.match(await refusal(`${wrong}?replicas=1`), /^bad_url: not an address such as redis\+sentinel:/)
  const nowhere = await refusal('redis+sentinel://:secret@127.0.0.1:1,127.0.0.1:2/shop?replicas=1')
  assert.match(nowhere, /^unreachable: Redis “shop” of Sentinel 127\.0\.0\.1:1,127\.0\.0\.1:2 can't be reached \(/)
  assert.not.match(nowhere, 'secret')
})

test.run()
