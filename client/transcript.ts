import type { Chat } from './chat.ts'
import type { Locale } from './locales/locale.ts'

/** The conversation as a text to keep; answers stay in their Markdown. `day` is put into its first line. */
export function transcript({ persona, turns }: Chat, locale: Locale, name: string, day: string): string {
  const told = turns.flatMap(({ question, answer, state, error }) => {
    const whole = state === 'complete' || state === 'asking' || state === 'streaming'
    const end = state === 'failed' ? error : whole ? undefined : locale[state]
    return [locale.says(locale.you, question), answer && locale.says(name, answer), end && `(${end})`]
  })
  const paragraphs = [`${persona?.name ?? name}, ${day}`, ...told, persona?.notice]
  return `${paragraphs.filter(Boolean).join('\n\n')}\n`
}
