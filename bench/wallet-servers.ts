import { startChild } from './children.ts'

export type Servers = {
  /** The address of one of them, by any number; undefined while that one is down. */
  url(number: number): string | undefined
  /** Kills one as a power cut would; resolves once it is back. */
  kill(number: number): Promise<void>
  readonly kills: number
  end(): Promise<void>
}

/** One process for each of `ports` (0: any, anew at each start). */
type ServersOptions = { args: string[]; env: Record<string, string>; ports: readonly number[] }

/** Server processes on one store; those killed come back by themselves. Only their own ids are ever signalled. */
export async function startServers({ args, env, ports }: ServersOptions): Promise<Servers> {
  const start = (port: number) =>
    startChild(args, { ...env, PORT: String(port) }, (line) => /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0])
  const slots = await Promise.all(ports.map(async (port) => ({ port, child: await start(port), up: true })))
  const restarts = new Set<Promise<void>>()
  let kills = 0
  const at = (number: number) => slots[number % slots.length]
  return {
    url: (number) => (at(number)?.up ? at(number)?.child.url : undefined),
    async kill(number) {
      const slot = at(number)
      if (!slot?.up) return
      slot.up = false
      kills++
      process.kill(slot.child.pid, 'SIGKILL')
      const again = start(slot.port).then((child) => {
        slot.child = child
        slot.up = true
      })
      restarts.add(again)
      await again.finally(() => restarts.delete(again))
    },
    get kills() {
      return kills
    },
    async end() {
      await Promise.allSettled(restarts)
      await Promise.all(slots.map(({ child }) => child.end()))
    },
  }
}
