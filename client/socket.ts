import { SUBPROTOCOL } from '../protocol/messages.ts'
import type { OpenLink } from './connection.ts'

/** Opens browser WebSockets to `url`. A socket that can't even be made counts as a lost network. */
export const socketTo =
  (url: string): OpenLink =>
  (events) => {
    const socket = new WebSocket(url, SUBPROTOCOL)
    socket.onopen = () => events.opened()
    socket.onmessage = ({ data }) => typeof data === 'string' && events.text(data)
    socket.onclose = ({ code }) => events.closed(code)
    return {
      send: (text) => socket.send(text),
      close: () => socket.close(1000),
    }
  }

/** The socket's address on the page's own host. */
export function socketUrl(location: { protocol: string; host: string }): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`
}
