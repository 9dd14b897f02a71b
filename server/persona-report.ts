import { createAssistant } from './chat/assistant.ts'
import { buildInstruction } from './chat/instruction.ts'
import { createKnowledge, renderSection, tokensOf } from './chat/knowledge.ts'
import type { Section } from './chat/knowledge-sections.ts'
import { contactSection, type Persona } from './chat/persona.ts'
import { costNano, type Prices } from './quota/prices.ts'

/** `now` is epoch ms, `budgetPerDay` in `currency`, which may be ''. */
export type ReportParts = {
  persona: Persona
  questions: readonly string[]
  now: number
  model: string
  prices: Prices
  currency: string
  budgetPerDay: number
  knowledgeMaxTokens: number
  maxOutputTokens: number
}

const NANO = 1_000_000_000
// What the shop's assistants say on average; two to five sentences are asked of them.
const ANSWER_TOKENS = 180
const CANARY = 'repère-000000000000'

/** What the assistant would know and what a question would cost, as lines for a terminal. Tokens are counted high. */
export function personaReport(parts: ReportParts): string[] {
  return [...aboutPersona(parts.persona), '', ...aboutKnowledge(parts), '', ...aboutCost(parts)]
}

function aboutPersona({ name, shop, lang, langs, texts, linkHosts }: Persona): string[] {
  const others = langs.filter((other) => other !== lang)
  return [
    shop === name ? name : `${name}, for ${shop}`,
    `  languages  ${lang} (its own)${others.map((other) => `, ${other}`).join('')}`,
    `  hours      ${texts[lang].hours}`,
    `  links to   ${linkHosts.join(', ') || 'nowhere: every link is shown as text'}`,
  ]
}

function aboutKnowledge({ persona, now, knowledgeMaxTokens }: ReportParts): string[] {
  const { lang, sections } = persona
  const always = tokensOf(buildInstruction({ persona, lang, now, sections: [], canary: CANARY }))
  const files = [...new Set(sections.map(({ file }) => file))].flatMap((file) => {
    const own = sections.filter((section) => section.file === file)
    return [`  ${file}`, ...own.map((section) => `  ${tokens(sizeOf(section))}  ${titleOf(section)}`)]
  })
  const all = sections.reduce((sum, section) => sum + sizeOf(section), 0)
  return [
    'What it knows, in tokens',
    `  ${tokens(always)}  with every question: rules, instructions.md (${tokensOf(persona.instructions)}), today's date`,
    `  ${tokens(sizeOf(contactSection(persona)))}  ${titleOf(contactSection(persona))}, from persona.json`,
    ...files,
    `  ${tokens(all)}  in ${sections.length} sections; those that fit a question best go with it, ${count(knowledgeMaxTokens)} in all at most`,
  ]
}

function aboutCost(parts: ReportParts): string[] {
  const { model, prices, currency, questions, maxOutputTokens, budgetPerDay } = parts
  const answer = Math.min(ANSWER_TOKENS, maxOutputTokens)
  const rate = (nano: number) => `${nano / NANO} ${currency}`.trim()
  const asked = questions.map((question) => ({ question, ...promptOf(parts, question) }))
  const costs = asked.map(({ prompt }) => costNano(prices, prompt, answer))
  const mean = costs.reduce((sum, cost) => sum + cost, 0) / Math.max(1, costs.length)
  const lines = asked.flatMap(({ question, prompt, sections }, i) => [
    `  “${question}”`,
    `     ${count(prompt)} tokens, ${money(costs[i] ?? 0, currency)}: ${sections.map(titleOf).join('; ') || 'nothing fits'}`,
  ])
  const perDay =
    mean > 0
      ? [
          `  ${budgetPerDay} ${currency} a day pays for about ${count(Math.floor((budgetPerDay * NANO) / mean))} such questions.`,
        ]
      : []
  return [
    `What a first question costs with ${model} (${rate(prices.inputNanoPerMillion)} in and ${rate(prices.outputNanoPerMillion)} out per million tokens), answered in ${answer} tokens`,
    ...lines,
    ...perDay,
  ]
}

function promptOf(parts: ReportParts, question: string): { prompt: number; sections: Section[] } {
  const { persona, knowledgeMaxTokens, now } = parts
  const assistant = createAssistant({ ...parts, knowledgeFallback: true, canary: CANARY, secrets: [] })
  const { system, turns } = assistant.request(question, [], persona.lang, now)
  const core = contactSection(persona)
  const found = createKnowledge(persona.sections, persona.lang, core).search(question, knowledgeMaxTokens)
  const said = turns.reduce((sum, { text }) => sum + tokensOf(text), 0)
  return { prompt: tokensOf(system) + said, sections: found.filter((section) => section !== core) }
}

const sizeOf = (section: Section) => tokensOf(renderSection(section))
const titleOf = ({ path }: Section) => path.join(' › ')
const count = (n: number) => n.toLocaleString('en-US')
const tokens = (n: number) => count(n).padStart(6)
const money = (nano: number, currency: string) => `${(nano / NANO).toFixed(4)} ${currency}`.trim()
