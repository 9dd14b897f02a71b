import type { Chat } from './chat.ts'
import type { Locale } from './locales/locale.ts'
import { transcript } from './transcript.ts'

// Long enough for a browser that asks where to.
const KEPT_MS = 60_000

/** Hands the conversation over as a text file; `now` is the moment that names it. */
export function save(chat: Chat, locale: Locale, name: string, now: Date): void {
  const day = now.toISOString().slice(0, 10)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([transcript(chat, locale, name, day)], { type: 'text/plain' }))
  link.download = `conversation-${day}.txt`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS)
}
