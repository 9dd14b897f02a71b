import { WebSocket } from 'ws'
import type { Child } from './children.ts'

/** A server that was started with --inspect on loopback, by what it says of it. */
export function inspectorOf(child: Child): string {
  const found = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(child.complaints())
  if (!found) throw new Error('no inspector')
  return found[0]
}

/** Has V8 collect all its garbage and give the pages back, so that what remains is in use. */
export async function collectGarbage(inspector: string): Promise<void> {
  const socket = new WebSocket(inspector)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  for (let id = 1; id <= 2; id++) {
    const done = new Promise((resolve) => socket.once('message', resolve))
    socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }))
    await done
  }
  socket.close()
}
