/** What is known of an upgrade before any limit is asked. Header values are as they came. */
export type UpgradeFacts = {
  path: string
  host: string | undefined
  origin: string | undefined
  subprotocols: string | undefined
  draining: boolean
  connections: number
  connectionsOfAddress: number
}
export type UpgradeRules = {
  path: string
  subprotocol: string
  allowedOrigins: ReadonlySet<string>
  maxConnections: number
  maxConnectionsPerAddress: number
}
export type UpgradeRefusal = { ok: false; status: 400 | 403 | 404 | 429 | 503; cause: string; retryAfterMs?: number }
export type UpgradeVerdict = { ok: true } | UpgradeRefusal

/** Whether a handshake may go on to the upgrade bucket; the first rule that it breaks answers. */
export function judgeUpgrade(facts: UpgradeFacts, rules: UpgradeRules): UpgradeVerdict {
  if (facts.path !== rules.path) return { ok: false, status: 404, cause: 'path' }
  if (!originAllowed(facts, rules.allowedOrigins)) return { ok: false, status: 403, cause: 'origin' }
  if (!subprotocolOffered(facts.subprotocols, rules.subprotocol))
    return { ok: false, status: 400, cause: 'subprotocol' }
  if (facts.draining) return { ok: false, status: 503, cause: 'draining', retryAfterMs: 5000 }
  if (facts.connections >= rules.maxConnections) return { ok: false, status: 503, cause: 'full', retryAfterMs: 10_000 }
  if (facts.connectionsOfAddress >= rules.maxConnectionsPerAddress)
    return { ok: false, status: 429, cause: 'connections_per_address', retryAfterMs: 10_000 }
  return { ok: true }
}

/** None at all is not a browser; our own host is always welcome; `null` and strangers are not. */
function originAllowed({ origin, host }: UpgradeFacts, allowed: ReadonlySet<string>): boolean {
  if (origin === undefined) return true
  if (allowed.has(origin)) return true
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  return (
    /^https?:$/.test(url.protocol) &&
    url.origin === origin &&
    host !== undefined &&
    url.host === withoutDefaultPort(host, url.protocol)
  )
}

const withoutDefaultPort = (host: string, protocol: string) =>
  host.toLowerCase().replace(protocol === 'https:' ? /:443$/ : /:80$/, '')

const subprotocolOffered = (offered: string | undefined, wanted: string) =>
  offered === undefined || offered.split(',').some((name) => name.trim() === wanted)

const REASONS = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

/** The whole HTTP answer to a refused upgrade. */
export function refusalBytes({ status, retryAfterMs }: UpgradeRefusal): string {
  const body = `${REASONS[status]}\n`
  const retry = retryAfterMs === undefined ? '' : `Retry-After: ${Math.max(1, Math.ceil(retryAfterMs / 1000))}\r\n`
  return `HTTP/1.1 ${status} ${REASONS[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n${retry}Content-Length: ${body.length}\r\n\r\n${body}`
}
