import { ADMIN_SUBPROTOCOL } from '../../protocol/admin.ts'
import type { OpenLink } from '../connection.ts'

/** Opens the status page's WebSocket on the page's own host. */
export const adminSocket =
  ({ protocol, host }: { protocol: string; host: string }): OpenLink =>
  (events) => {
    const scheme = protocol === 'https:' ? 'wss' : 'ws'
    const socket = new WebSocket(`${scheme}://${host}/admin/ws`, ADMIN_SUBPROTOCOL)
    socket.onopen = () => events.opened()
    socket.onmessage = ({ data }) => typeof data === 'string' && events.text(data)
    socket.onclose = ({ code }) => events.closed(code)
    return { send: (text) => socket.send(text), close: () => socket.close(1000) }
  }
