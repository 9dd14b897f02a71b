import { WebSocket } from 'ws'
import type { Child } from './children.ts'

/** A server that was started with --inspect on loopback, by what it says of it. */
export function inspectorOf(child: Pick<Child, 'complaints'>): string {
  const found = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(child.complaints())
  if (!found) throw new Error('no inspector')
  return found[0]
}

/** Has V8 collect all its garbage and give the pages back, so that what remains is in use; its bytes. */
export async function collectGarbage(inspector: string): Promise<number> {
  const socket = new WebSocket(inspector)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const call = async (id: number, method: string): Promise<{ result?: { usedSize?: number } }> => {
    const answer = new Promise<string>((resolve) => socket.once('message', (data) => resolve(data.toString())))
    socket.send(JSON.stringify({ id, method }))
    return JSON.parse(await answer)
  }
  await call(1, 'HeapProfiler.collectGarbage')
  await call(2, 'HeapProfiler.collectGarbage')
  const { result } = await call(3, 'Runtime.getHeapUsage')
  socket.close()
  return result?.usedSize ?? Number.NaN
}
