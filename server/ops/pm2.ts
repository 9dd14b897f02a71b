import type { Clock } from '../clock.ts'

export type Monitored = Readonly<Record<string, string | number>>

/** What PM2 gave us to talk to it: `process` itself when PM2 (or a test) started us, else nothing is sent. */
export type Pm2Channel = { readonly connected?: boolean; send?: (message: unknown, done: () => void) => unknown }

/** Shows the values in `pm2 monit` each second, the first at once. Returns its end. */
export function monitor(channel: Pm2Channel, clock: Clock, read: () => Monitored): () => void {
  let stop = () => {}
  const tick = () => {
    if (!channel.connected || !channel.send) return
    const data = Object.fromEntries(Object.entries(read()).map(([name, value]) => [name, { value }]))
    channel.send({ type: 'axm:monitor', data }, () => {})
    stop = clock.after(1000, tick)
  }
  tick()
  return () => stop()
}

/** Tells PM2 (`wait_ready`) that visitors are served. */
export function ready(channel: Pm2Channel): void {
  if (channel.connected) channel.send?.('ready', () => {})
}
