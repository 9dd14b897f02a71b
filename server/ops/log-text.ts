import { type LogLine, levels } from './log-lines.ts'

export type LogStyle = { colour: boolean; timeZone?: string | undefined }

// What steers a terminal or turns the order of reading: a field may quote what came from outside.
const STEERING = /[\p{Cc}\p{Cf}\u2028\u2029]/gu
const BARE = /^[^\s"=\\]+$/
const EVENT_WIDTH = 18
const codes = { dim: 2, bold: 1, red: 31, yellow: 33, cyan: 36 } as const

/** Log line -> text for people: local time, level, event, `name=value`; a stack goes below. */
export function logText({ colour, timeZone }: LogStyle): (line: LogLine) => string {
  const paint = (code: keyof typeof codes, text: string) => (colour ? `\u001b[${codes[code]}m${text}\u001b[0m` : text)
  const timeOf = clockFace(timeZone)
  return ({ at, level, event, fields }) => {
    const { stack, ...rest } = fields
    const words = Object.entries(rest).map(([name, value]) => `${paint('dim', `${tame(name)}=`)}${shown(value)}`)
    const [name, hue] = wordOf(level)
    const head = [paint('dim', timeOf(at)), paint(hue, name), paint('bold', tame(event).padEnd(EVENT_WIDTH))]
    const below = typeof stack === 'string' ? stack.split('\n').map((each) => `\n    ${tame(each.trim())}`) : []
    return [...head, ...words].join(' ').trimEnd() + below.join('')
  }
}

/** Control and formatting characters as escapes. */
export const tame = (text: string): string =>
  text.replace(STEERING, (found) => `\\u{${found.codePointAt(0)?.toString(16) ?? ''}}`)

function wordOf(level: number): [string, keyof typeof codes] {
  if (level >= levels.error) return ['error', 'red']
  if (level >= levels.warn) return ['warn ', 'yellow']
  return level >= levels.info ? ['info ', 'cyan'] : ['debug', 'dim']
}

function shown(value: unknown): string {
  if (typeof value === 'string') return BARE.test(tame(value)) ? tame(value) : tame(JSON.stringify(value))
  return tame(JSON.stringify(value) ?? 'undefined')
}

/** Epoch ms -> 2026-01-15 11:00:00.123 in the time zone, by default the machine's. */
function clockFace(timeZone: string | undefined): (at: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'medium',
    ...(timeZone !== undefined && { timeZone }),
  })
  return (at) => `${format.format(at)}.${String(at % 1000).padStart(3, '0')}`
}
