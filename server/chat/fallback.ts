import { openWords } from './hours-words.ts'
import type { Knowledge } from './knowledge.ts'
import { contactSection, type Persona } from './persona.ts'
import type { Lang } from './sentences.ts'

export type FallbackParts = { persona: Persona; knowledge: Knowledge; question: string; lang: Lang; now: number }

/** What the files say on the question, whether the shop is open, and how to reach it: Markdown, at no cost. */
export function fallbackAnswer({ persona, knowledge, question, lang, now }: FallbackParts): string {
  const words = phrases[lang]
  const contact = contactSection(persona, lang)
  const [best] = knowledge.rank(question)
  const found = best ? `${words.found}\n\n**${best.section.path.at(-1) ?? ''}**\n\n${best.section.text}` : words.nothing
  return [found, openWords(persona.openingHours, now, lang), `**${contact.path[0] ?? ''}**\n\n${contact.text}`].join(
    '\n\n',
  )
}

const phrases: Record<Lang, { found: string; nothing: string }> = {
  fr: {
    found: 'L’assistant se repose un instant\u202F; voici ce que disent nos fiches\u202F:',
    nothing:
      'L’assistant se repose un instant, et nos fiches ne disent rien là-dessus. Appelez-nous ou écrivez-nous\u202F!',
  },
  en: {
    found: 'The assistant is taking a short break; here is what our notes say:',
    nothing: 'The assistant is taking a short break, and our notes say nothing on this. Call us or write to us!',
  },
  br: {
    found: 'O tiskuizhañ emañ ar skoazeller; setu ar pezh a lavar hor fichennoù:',
    nothing:
      'O tiskuizhañ emañ ar skoazeller, ha hor fichennoù ne lavaront netra diwar-benn-se. Pellgomzit pe skrivit deomp!',
  },
}
