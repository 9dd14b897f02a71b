import type { ModelRequest } from '../model/port.ts'
import { type Exchange, windowOf } from './conversation.ts'
import { fallbackAnswer } from './fallback.ts'
import { createFilters } from './filter.ts'
import { buildInstruction } from './instruction.ts'
import { createKnowledge } from './knowledge.ts'
import { contactSection, type Persona, personaView } from './persona.ts'
import type { Assistant } from './ports.ts'
import { langs, pickLang, sentence } from './sentences.ts'

export type AssistantOptions = {
  persona: Persona
  knowledgeMaxTokens: number
  maxOutputTokens: number
  knowledgeFallback: boolean
  /** A word that only the instructions hold: an answer that says it gives them away. */
  canary: string
  /** What no answer may ever contain: the key. */
  secrets: readonly string[]
}

/** What the model is reminded of: earlier pairs at most, and UTF-16 units in all. */
const WINDOW = { maxTurns: 10, maxChars: 12_000 }

/** The persona at work. */
export function createAssistant(options: AssistantOptions): Assistant {
  const { persona, canary } = options
  const core = contactSection(persona)
  const knowledge = createKnowledge(persona.sections, persona.lang, core)
  const views = new Map(langs.map((lang) => [lang, personaView(persona, lang)]))
  const filters = createFilters([canary, ...options.secrets])
  return {
    view: (lang) => views.get(lang) ?? personaView(persona, lang),
    pickLang: (wanted) => pickLang(wanted, persona.lang),
    sentence: (code, lang, detail) =>
      sentence(code, lang, {
        contact: persona.contact,
        ...(detail?.retryAfterMs !== undefined && { retryAfterMs: detail.retryAfterMs }),
      }),
    request(question, history, lang, now): ModelRequest {
      const turns = windowOf([...history, { question, answer: '' }], WINDOW)
      const sections = knowledge.search(topicOf(question, history), options.knowledgeMaxTokens)
      const system = buildInstruction({ persona, lang, now, sections, canary })
      return { system, turns, maxOutputTokens: options.maxOutputTokens }
    },
    filter: filters,
    knows: (question) => knowledge.coverage(question) > HALF,
    fallback: (question, lang, now) =>
      options.knowledgeFallback ? fallbackAnswer({ persona, knowledge, question, lang, now }) : undefined,
  }
}

const HALF = 0.5
const SHORT_QUESTION = 40

/** "And the price?" says nothing alone: a short question is looked up together with the one before it. */
function topicOf(question: string, history: readonly Exchange[]): string {
  const before = history.at(-1)?.question
  return before !== undefined && question.length < SHORT_QUESTION ? `${question} ${before}` : question
}
