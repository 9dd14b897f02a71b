import type { ServerMessage } from '../../protocol/messages.ts'
import { parseClientMessage } from '../../protocol/parse.ts'
import { parseFrame } from './lines.ts'
import { type Incoming, Link } from './link.ts'
import { payloadOf } from './player.ts'
import { describe, expectationOf, receive } from './received.ts'

export type RecordOptions = {
  url: string
  /** What is typed, with or without its `>`. */
  lines: AsyncIterable<string>
  say(line: string): void
}
type Tape = { script: string[]; unanswered: Set<string>; settled: () => void; over: boolean; note(line: string): void }

const NEVER = 2 ** 31 - 1
const LAST_ANSWER_MS = 60_000

/** Sends what is typed and shows what comes, until the input ends and all is answered; returns the session's text. */
export async function record({ url, lines, say }: RecordOptions): Promise<string> {
  const link = new Link({ url, headers: {} })
  const tape: Tape = {
    script: ['# a recorded session'],
    unanswered: new Set(),
    settled() {},
    over: false,
    note: () => {},
  }
  tape.note = (line) => {
    // Many deltas are one line of a script.
    if (line.startsWith('< delta*') && line === tape.script.at(-1)) return
    tape.script.push(line)
    say(line)
  }
  const listening = listen(link, tape)
  for await (const typed of lines) await send(link, typed.trim().replace(/^>\s*/, ''), tape, say)
  await link.fence(LAST_ANSWER_MS)
  await allAnswered(tape)
  tape.over = true
  await link.close()
  await listening
  return `${tape.script.join('\n')}\n`
}

async function send(link: Link, line: string, tape: Tape, say: (line: string) => void): Promise<void> {
  if (line === '') return
  if (line.startsWith('#')) return tape.note(line)
  try {
    const frame = parseFrame(line)
    if (!(await link.opened(LAST_ANSWER_MS))) return say('(the socket is not open)')
    const [data, binary] = payloadOf(frame, new Map())
    const id = typeof data === 'string' ? askedId(data) : undefined
    if (id !== undefined) tape.unanswered.add(id)
    link.send(data, binary)
    tape.note(`> ${line}`)
  } catch (error) {
    say(`(${error instanceof Error ? error.message : String(error)})`)
  }
}

function askedId(data: string): string | undefined {
  const parsed = parseClientMessage(data)
  return parsed.ok && parsed.message.type === 'ask' ? parsed.message.id : undefined
}

async function listen(link: Link, tape: Tape): Promise<void> {
  for (;;) {
    const incoming = await link.next(NEVER)
    if (incoming === undefined) continue
    const received = incoming.kind === 'message' ? receive(incoming.text) : undefined
    if (received?.ok === true) hear(received.message, tape)
    else if (!tape.over) tape.note(lineOfOther(incoming))
    if (incoming.kind === 'message' || incoming.kind === 'binary') continue
    tape.unanswered.clear()
    return tape.settled()
  }
}

function lineOfOther(incoming: Incoming): string {
  if (incoming.kind === 'closed') return `< closed ${incoming.code}`
  if (incoming.kind === 'refused') return `< refused ${incoming.status}`
  return `# ${describe(incoming).replaceAll('\n', ' ')}`
}

function hear(message: ServerMessage, tape: Tape): void {
  tape.note(`< ${expectationOf(message)}`)
  if ((message.type !== 'done' && message.type !== 'error') || message.id === undefined) return
  tape.unanswered.delete(message.id)
  tape.settled()
}

function allAnswered(tape: Tape): Promise<void> {
  return new Promise((resolve) => {
    tape.settled = () => tape.unanswered.size === 0 && resolve()
    tape.settled()
  })
}
