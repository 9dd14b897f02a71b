import { randomUUID } from 'node:crypto'
import type { Chat, ChatTurn } from '../../client/chat.ts'
import { browserClock } from '../../client/clock.ts'
import { Talk } from '../../client/talk.ts'
import type { Books } from './books.ts'
import { type Line, openLine } from './link.ts'

/** What a browser keeps over reloads of a tab. */
export type Tab = { token: string | undefined }

/** The page's own conversation in a tab, without the page. */
export type Page = {
  talk: Talk
  /** Resolves with what `look` finds, now or after a change; undefined when nothing came of it in time. */
  until<T>(look: (chat: Chat) => T | undefined, mostMs: number): Promise<T | undefined>
  /** The network goes away without a word. */
  cut(): void
  close(): void
}

export function openPage(url: () => string, address: string, tab: Tab, books: Books): Page {
  let line: Line | undefined
  const waiting = new Set<() => void>()
  const talk = new Talk({
    open: (events) => {
      line = openLine(url(), address, books, events)
      return line
    },
    clock: browserClock,
    random: Math.random,
    newId: () => randomUUID(),
    solve: (_, done) => {
      books.complain('a proof was asked for')
      done(undefined)
      return () => {}
    },
    tokens: {
      load: () => tab.token,
      save: (token) => {
        tab.token = token
      },
    },
    lang: 'fr',
    changed: () => {
      for (const look of [...waiting]) look()
    },
  })
  talk.connection.wake()
  return {
    talk,
    until: (look, mostMs) =>
      new Promise((resolve) => {
        const end = (found: ReturnType<typeof look>) => {
          waiting.delete(check)
          clearTimeout(late)
          resolve(found)
        }
        const check = () => {
          const found = look(talk.chat)
          if (found !== undefined) end(found)
        }
        const late = setTimeout(() => end(undefined), mostMs)
        waiting.add(check)
        check()
      }),
    cut: () => line?.cut(),
    close: () => talk.connection.sleep(),
  }
}

export const isOver = ({ state }: ChatTurn): boolean => state !== 'asking' && state !== 'streaming'
