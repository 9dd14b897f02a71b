import type { Target } from '../attacks/target.ts'
import { type Said, saidOf } from '../attacks/visitor.ts'
import { rawSocket } from '../helpers/raw-socket.ts'
import type { Toll } from './fault.ts'

/** What a visitor got: a refusal at the door, a close code, or all that was said to the question. */
export type Got = { status: number } | { code: number | undefined } | Said

/**
 * Comes with a session and asks one question. Whatever it gets must be an end, and only one: what comes after it is the
 * answer to a message that was sent later. A refusal must be a sentence, and say when to come again where it can.
 */
export async function asksOnce(target: Target, session: string, id: string, toll: Toll): Promise<Got> {
  const socket = await rawSocket(target.url)
  toll.tried()
  const { status, headers } = socket.answer
  if (status !== 101) {
    if (status !== 503 || !headers.has('retry-after')) toll.lost(`${id}: refused with ${status} at the door`)
    return { status }
  }
  socket.say({ type: 'hello', session })
  socket.say({ type: 'ask', id, text: 'Combien coûte une révision ?' })
  const said = await saidOf(socket, id)
  if (!said.end) {
    if (socket.code !== 1013 && socket.code !== 1012) toll.lost(`${id}: closed with ${socket.code}`)
    return { code: socket.code }
  }
  socket.say({ type: 'stop', id: 'fence' })
  const fence = await socket.next(({ payload }) => payload.includes('"error"') || payload.includes(`"id":"${id}`))
  if (!fence?.payload.includes('"id":"fence"')) toll.lost(`${id}: after its end came ${fence?.payload}`)
  if (said.end.type === 'error' && said.end.message.length < 20) toll.lost(`${id}: no sentence`)
  socket.destroy()
  return said
}
