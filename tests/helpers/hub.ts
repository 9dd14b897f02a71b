import type { ConversationStore, Link, LinkEnd, Peers } from '../../server/chat/ports.ts'

type Accept = (key: string, link: Link) => LinkEnd
export type Joined = { conversations: ConversationStore; peers: Peers /** As kill -9 would. */; die(): void }
export type Hub = {
  /** One more process on the store. */
  join(name: string): Joined
  /** From now on nothing that is said over a link arrives, until `letGo`. */
  hold(): void
  letGo(): void
  readonly links: number
}

/** A store in memory that several processes of a test share; what goes over its links arrives a microtask later. */
export function hub(inner: ConversationStore): Hub {
  const owners = new Map<string, string>()
  const alive = new Map<string, Accept | undefined>()
  const wires = new Set<{ names: string[]; cut(): void }>()
  let gate = Promise.resolve()
  let open = () => {}
  const passes = (work: () => void) => void gate.then(work)
  const assertOwn = (key: string, name: string) => {
    if ((owners.get(key) ?? name) !== name) throw new Error('elsewhere')
  }
  // One after the other, as a transaction of SQLite or a script of Redis is.
  let latest: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = latest.then(work)
    latest = done.catch(() => {})
    return done
  }
  const conversationsOf = (name: string): ConversationStore => ({
    ...inner,
    load: (key, gone) =>
      alone(async () => {
        const kept = await inner.load(key)
        const owner = owners.get(key)
        if (kept && owner !== undefined && owner !== name && owner !== gone) return { at: 'elsewhere', owner }
        if (kept) owners.set(key, name)
        return kept
      }),
    put: (key, n, blob, expiresAt) =>
      alone(async () => {
        if ((owners.get(key) ?? name) !== name) return false
        owners.set(key, name)
        return inner.put(key, n, blob, expiresAt)
      }),
    erase: (key) =>
      alone(async () => {
        assertOwn(key, name)
        owners.delete(key)
        await inner.erase(key)
      }),
    leave: (key) =>
      alone(async () => {
        if (owners.get(key) === name) owners.delete(key)
      }),
  })
  const connect = (from: string, to: string, key: string, near: LinkEnd): Link | undefined => {
    const accept = alive.get(to)
    if (!accept) return undefined
    let up = true
    const wire = {
      names: [from, to],
      cut() {
        if (!up) return
        up = false
        wires.delete(wire)
        passes(() => near.closed())
        passes(() => far.closed())
      },
    }
    const linkTo = (end: () => LinkEnd): Link => ({
      send: (message) => up && passes(() => end().message(message)),
      close: () => wire.cut(),
    })
    wires.add(wire)
    const far: LinkEnd = accept(
      key,
      linkTo(() => near),
    )
    return linkTo(() => far)
  }
  return {
    join(name) {
      alive.set(name, undefined)
      return {
        conversations: conversationsOf(name),
        peers: {
          connect: async (peer, key, end) => connect(name, peer, key, end),
          serve: async (accept) => void alive.set(name, accept),
        },
        die() {
          alive.delete(name)
          for (const wire of [...wires]) if (wire.names.includes(name)) wire.cut()
        },
      }
    },
    hold() {
      gate = new Promise((resolve) => (open = resolve))
    },
    letGo: () => open(),
    get links() {
      return wires.size
    },
  }
}
