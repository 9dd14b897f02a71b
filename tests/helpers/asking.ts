import { rawSocket } from './raw-socket.ts'

/** What clients saw who ask one question after the other. `lost`: an answer that began and didn't come whole. */
export type Tally = { answers: number; lost: number; refused: number; reconnects: number }
export type Crowd = {
  readonly tally: Tally
  /** Resolves when so many answers more have come. */
  more(answers: number): Promise<void>
  /** Lets each client finish its answer; resolves when all are gone. */
  leave(): Promise<void>
}

/** `count` clients who ask in a loop, and who come back at once, with their session, when they are sent away. */
export function startAsking(url: string, count: number): Crowd {
  const tally = { answers: 0, lost: 0, refused: 0, reconnects: 0 }
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
      if (!(await heard('done|error'))?.includes('"reason":"complete"')) {
        tally.lost += 1
        break
      }
      answered()
    }
    tally.reconnects += leaving() ? 0 : 1
    socket.destroy()
  }
}
