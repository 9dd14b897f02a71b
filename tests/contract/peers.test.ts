import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Link, LinkEnd } from '../../server/chat/ports.ts'
import type { Store } from '../../server/stores/port.ts'
import type { StoreKind } from './stores.ts'
import { storeKinds } from './stores.ts'

/** One end of a link that notes what comes, and lets it be waited for. */
class End implements LinkEnd {
  link: Link | undefined
  readonly heard: string[] = []
  private wake = () => {}

  message(message: Uint8Array): void {
    this.note(Buffer.from(message).toString())
  }
  closed(): void {
    this.note('closed')
  }
  say(text: string): void {
    this.link?.send(Buffer.from(text))
  }
  async until(count: number): Promise<string[]> {
    while (this.heard.length < count) await new Promise<void>((resolve) => (this.wake = resolve))
    return this.heard
  }
  private note(text: string): void {
    this.heard.push(text)
    this.wake()
  }
}

/** A process that accepts links; `ends` come with the keys that they are about. */
class Host {
  readonly ends: [string, End][] = []
  refuses = false
  private wake = () => {}

  async serve({ peers }: Store): Promise<void> {
    await peers.serve((key, link) => {
      const end = new End()
      end.link = link
      if (this.refuses) link.close()
      this.ends.push([key, end])
      this.wake()
      return end
    })
  }
  async end(n: number): Promise<End> {
    while (this.ends.length <= n) await new Promise<void>((resolve) => (this.wake = resolve))
    return this.ends[n]?.[1] ?? new End()
  }
}

/** What a store calls the process that opened `of`. */
async function nameOf(of: Store, other: Store): Promise<string> {
  await of.conversations.put('named', 0, new Uint8Array(), 2 ** 48)
  const kept = await other.conversations.load('named')
  return kept?.at === 'elsewhere' ? kept.owner : ''
}

async function linked(one: Store, two: Store, host: Host, n = 0): Promise<{ near: End; far: End }> {
  const near = new End()
  near.link = await one.peers.connect(await nameOf(two, one), `key-${n}`, near)
  assert.ok(near.link)
  return { near, far: await host.end(n) }
}

function peersContract(kind: StoreKind): void {
  const it = (name: string, run: (one: Store, two: Store, host: Host) => Promise<void>) =>
    test(`${kind.name}: ${name}`, () =>
      kind.use(async ({ open }) => {
        const [one, two, host] = [await open(), await open(), new Host()]
        await new Host().serve(one)
        await host.serve(two)
        await run(one, two, host)
      }))

  it('what is said over a link arrives whole and in order, both ways', async (one, two, host) => {
    const { near, far } = await linked(one, two, host)
    const long = 'é'.repeat(100_000)
    for (const text of ['a', '', 'b\n', long]) near.say(text)
    assert.equal(await far.until(4), ['a', '', 'b\n', long])
    for (let n = 0; n < 500; n++) far.say(`${n}`)
    assert.equal(
      await near.until(500),
      Array.from({ length: 500 }, (_, n) => `${n}`),
    )
    assert.equal(
      host.ends.map(([key]) => key),
      ['key-0'],
    )
  })

  it('an end that closes has said all before, and both ends hear of it once', async (one, two, host) => {
    const { near, far } = await linked(one, two, host)
    far.say('last')
    far.link?.close()
    assert.equal(await near.until(2), ['last', 'closed'])
    assert.equal(await far.until(1), ['closed'])
    near.say('late')
    near.link?.close()
    const second = await linked(one, two, host, 1)
    second.near.link?.close()
    assert.equal(await second.far.until(1), ['closed'])
    assert.equal([near.heard, far.heard], [['last', 'closed'], ['closed']])
  })

  it('links are apart', async (one, two, host) => {
    const [a, b] = [await linked(one, two, host), await linked(one, two, host, 1)]
    a.near.say('a')
    b.near.say('b')
    a.far.say('A')
    b.far.say('B')
    const heard = await Promise.all([a.far.until(1), b.far.until(1), a.near.until(1), b.near.until(1)])
    assert.equal(heard, [['a'], ['b'], ['A'], ['B']])
  })

  it('a process that has gone ends its links, and can’t be reached', async (one, two, host) => {
    const name = await nameOf(two, one)
    const { near } = await linked(one, two, host)
    await two.close()
    assert.equal(await near.until(1), ['closed'])
    assert.is(await one.peers.connect(name, 'key', new End()), undefined)
    assert.is(await one.peers.connect('nobody', 'key', new End()), undefined)
  })

  it('a link that is refused at once is closed', async (one, two, host) => {
    host.refuses = true
    const near = new End()
    await one.peers.connect(await nameOf(two, one), 'key', near)
    assert.equal(await near.until(1), ['closed'])
  })
}

for (const kind of storeKinds) {
  if (kind.shared) peersContract(kind)
  else
    test(`${kind.name}: nobody else is there`, () =>
      kind.use(async ({ open }) => {
        const { peers } = await open()
        await peers.serve(() => new End())
        assert.is(await peers.connect('anybody', 'key', new End()), undefined)
      }))
}

test.run()
