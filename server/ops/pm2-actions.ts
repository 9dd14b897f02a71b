import type { Clock } from '../clock.ts'
import type { Pm2Channel } from './pm2.ts'

/** What `pm2 trigger le-mecano NAME` may ask for; what it gets is printed as JSON. */
export type Actions = Readonly<Record<string, () => object | Promise<object>>>
export type ActionChannel = Pm2Channel & { on(event: 'message', heard: (message: unknown) => void): unknown }

// `pm2 trigger` waits for ever when the reply overtakes PM2's own word that the action was passed on.
const REPLY_AFTER_MS = 50

/** Names the actions to PM2 and answers them; an action that throws or rejects is answered with `{ failed: true }`. */
export function answerActions(channel: ActionChannel, clock: Clock, actions: Actions): void {
  const send = (message: object) => {
    if (channel.connected) channel.send?.(message, () => {})
  }
  const answer = async (name: string, action: Actions[string]) => {
    const reply = await Promise.resolve()
      .then(action)
      .catch(() => ({ failed: true }))
    clock.after(REPLY_AFTER_MS, () => send({ type: 'axm:reply', data: { action_name: name, return: reply } }))
  }
  for (const name of Object.keys(actions))
    send({ type: 'axm:action', data: { action_name: name, action_type: 'custom', arity: 0 } })
  channel.on('message', (message) => {
    const name = nameIn(message)
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (action) void answer(name, action)
  })
}

/** PM2 sends the bare name, or an object around it when the admin gave a parameter. */
function nameIn(message: unknown): string {
  const name = typeof message === 'object' && message !== null ? Reflect.get(message, 'msg') : message
  return typeof name === 'string' ? name : ''
}
