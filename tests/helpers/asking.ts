import { type RawSocket, rawSocket } from './raw-socket.ts'

/**
 * What clients saw who ask one question after the other. `lost`: an answer that began and didn't come whole; `texts`: the
 * different ones that whole answers had.
 */
export type Tally = { answers: number; lost: number; refused: number; reconnects: number; texts: Set<string> }
export type Crowd = {
  readonly tally: Tally
  /** Resolves when so many answers more have come. */
  more(answers: number): Promise<void>
  /** Lets each client finish its answer; resolves when all are gone. */
  leave(): Promise<void>
}

/** `count` clients who ask in a loop, and who come back at once, with their session, when they are sent away. */
export function startAsking(url: string, count: number): Crowd {
  const tally: Tally = { answers: 0, lost: 0, refused: 0, reconnects: 0, texts: new Set() }
  const waiting = new Set<() => void>()
  let leaving = false
  const answered = () => {
    tally.answers += 1
    for (const check of [...waiting]) check()
  }
  const clients = Array.from({ length: count }, () => stay({ url, tally, answered, leaving: () => leaving }))
  return {
    tally,
    more(answers) {
      const wanted = tally.answers + answers
      return new Promise((resolve) => {
        const check = () => {
          if (tally.answers < wanted) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
      })
    },
    async leave() {
      leaving = true
      await Promise.all(clients)
    },
  }
}

type Place = { url: string; tally: Tally; answered(): void; leaving(): boolean }

async function stay({ url, tally, answered, leaving }: Place): Promise<void> {
  let session: string | undefined
  let asked = 0
  while (!leaving()) {
    const socket = await rawSocket(url).catch(() => undefined)
    if (socket?.answer.status !== 101) {
      tally.refused += 1
      continue
    }
    socket.say({ type: 'hello', ...(session && { session }) })
    const heard = async (types: string): Promise<string | undefined> => {
      const fits = new RegExp(`^{"type":"(${types})"`)
      return (
        await socket.next(({ payload, opcode }) => opcode === 8 || fits.test(payload.toString()))
      )?.payload.toString()
    }
    session = /"session":"([^"]+)"/.exec((await heard('welcome')) ?? '')?.[1] ?? session
    while (!leaving()) {
      socket.say({ type: 'ask', id: `q${asked++}`, text: 'Bonjour ?' })
      const start = await heard('start|error')
      // Sent away before the question was taken: it is asked again over the next connection.
      if (!start?.startsWith('{"type":"start"')) break
      const text = await wholeAnswer(socket)
      if (text === undefined) {
        tally.lost += 1
        break
      }
      tally.texts.add(text)
      answered()
    }
    tally.reconnects += leaving() ? 0 : 1
    socket.destroy()
  }
}

const delta = /^{"type":"delta"/

/** The text from its first delta to `done complete`, or undefined: it ended otherwise, or a piece is missing or doubled. */
async function wholeAnswer(socket: RawSocket): Promise<string | undefined> {
  let text = ''
  const end = await socket.next(({ payload, opcode }) => {
    const json = payload.toString()
    if (opcode === 8 || /^{"type":"(done|error)"/.test(json)) return true
    if (!delta.test(json)) return false
    const { offset, text: more } = JSON.parse(json)
    text = offset === text.length ? text + more : `${text}<gap at ${offset}>`
    return false
  })
  return end?.payload.toString().includes(`"reason":"complete","length":${text.length}`) ? text : undefined
}
