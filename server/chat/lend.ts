import * as v from 'valibot'
import { closes } from '../../protocol/closes.ts'
import type { AskContext } from './admission.ts'
import type { Connection } from './connection.ts'
import { closeText } from './follow.ts'
import type { Link, LinkEnd, Safe, Vault, Wire } from './ports.ts'
import type { Registry } from './registry.ts'

export type LendParts = {
  registry: Pick<Registry, 'lend' | 'tokenHere'>
  vault: Vault
  connectTo(registry: Pick<Registry, 'enter'>): (wire: Wire, context: AskContext) => Connection
}
/** Seats here for the sockets that other processes hold. */
export type Lender = {
  accept(key: string, link: Link): LinkEnd
  /** Sends those away that no answer is on its way to; from here on only sessions with one are lent. */
  drain(): void
}

/** The other side of `createFollow`: a socket that comes over a link is served as one of our own. */
export function createLender({ registry, vault, connectTo }: LendParts): Lender {
  const open = new Map<Wire, Connection>()
  let draining = false
  const connect = connectTo({ enter: (socket, hello) => registry.lend(() => draining, socket, hello) })
  return {
    accept(key, link) {
      const safe = registry.tokenHere(key).then((token) => (token === undefined ? undefined : vault.safe(token)))
      let served: { wire: Wire; connection: Connection } | undefined
      const take = ({ seal }: Safe, text: string) => {
        if (served) return served.connection.receive(text)
        const context = contextIn(text)
        if (!context) return link.close()
        const wire = wireOver(link, seal)
        served = { wire, connection: connect(wire, context) }
        open.set(wire, served.connection)
      }
      // In order, whenever it is known whether the session is here.
      void safe.then((safe) => safe ?? link.close())
      return {
        message: (sealed) =>
          void safe.then((safe) => {
            const text = safe?.open(sealed)
            if (safe && text !== undefined) take(safe, text)
            else link.close()
          }),
        closed: () =>
          void safe.then(() => {
            if (!served) return
            open.delete(served.wire)
            served.connection.closed()
          }),
      }
    },
    drain() {
      draining = true
      for (const [wire, connection] of open) if (!connection.answering) wire.close(closes.restart)
    },
  }
}

const wireOver = (link: Link, seal: (text: string) => Uint8Array): Wire => ({
  send: (message) => link.send(seal(JSON.stringify(message))),
  close({ code }) {
    link.send(seal(closeText(code)))
    link.close()
  },
})

const rule = v.object({ name: v.string(), burst: v.number(), perMinute: v.number() })
const askContext = v.object({
  takes: v.array(v.object({ rule, key: v.string() })),
  addressKey: v.string(),
  networks: v.exactOptional(v.array(v.object({ key: v.string(), scale: v.number() }))),
  c: v.exactOptional(v.string()),
})

/** Another version of this program may have said it. */
function contextIn(text: string): AskContext | undefined {
  try {
    const parsed = v.safeParse(askContext, JSON.parse(text))
    return parsed.success ? parsed.output : undefined
  } catch {
    return undefined
  }
}
