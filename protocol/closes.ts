/** What a client does after a close. Every reconnect is delayed with full jitter. */
export type Reconnect = 'never' | 'soon' | 'wait' | 'on-next-use'
export type Close = { code: number; reason: string; reconnect: Reconnect }

/** Every way a connection of ours ends. `soon` backs off from 0.5 s, `wait` from 5 s. */
export const closes = {
  normal: { code: 1000, reason: 'normal', reconnect: 'never' },
  goingAway: { code: 1001, reason: 'going away', reconnect: 'soon' },
  brokenFrame: { code: 1002, reason: 'broken frame', reconnect: 'wait' },
  notText: { code: 1003, reason: 'text frames only', reconnect: 'never' },
  badUtf8: { code: 1007, reason: 'not UTF-8', reconnect: 'wait' },
  tooManyPieces: { code: 1008, reason: 'too many fragments', reconnect: 'wait' },
  tooBig: { code: 1009, reason: 'message too big', reconnect: 'wait' },
  internal: { code: 1011, reason: 'internal error', reconnect: 'wait' },
  restart: { code: 1012, reason: 'restart', reconnect: 'soon' },
  overloaded: { code: 1013, reason: 'overloaded', reconnect: 'wait' },
  notThisProtocol: { code: 4400, reason: 'not this protocol', reconnect: 'never' },
  silent: { code: 4408, reason: 'silent', reconnect: 'on-next-use' },
  tooSlow: { code: 4413, reason: 'too slow', reconnect: 'soon' },
  flooding: { code: 4429, reason: 'flooding', reconnect: 'wait' },
} as const satisfies Record<string, Close>

const byCode = new Map<number, Close>(Object.values(closes).map((close) => [close.code, close]))

/** The row for a close code that a client saw; 1005, 1006, 1015 and strangers are a lost network: soon. */
export const closeOf = (code: number): Close =>
  byCode.get(code) ?? { code, reason: 'connection lost', reconnect: 'soon' }
