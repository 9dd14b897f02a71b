import { costNano, type Prices } from './prices.ts'

/** Amounts in currency; `currency` may be ''. `knowledgeMaxTokens`: what of the knowledge goes into a prompt at most. */
export type CostParts = {
  demo: boolean
  perDay: number
  perMonth: number
  currency: string
  prices: Prices
  knowledgeMaxTokens: number
  maxOutputTokens: number
}

const NANO = 1_000_000_000
// A typical conversation: four questions; rules and instructions of some 1,200 tokens, and each answer comes again.
const QUESTIONS = 4
const INSTRUCTION_TOKENS = 1200
const QUESTION_TOKENS = 40
const ANSWER_TOKENS = 180

/** What a typical conversation costs, in nano-currency. */
export function conversationNano({ prices, knowledgeMaxTokens, maxOutputTokens }: CostParts): number {
  const answer = Math.min(ANSWER_TOKENS, maxOutputTokens)
  return Array.from({ length: QUESTIONS }, (_, before) => {
    const prompt = INSTRUCTION_TOKENS + knowledgeMaxTokens + QUESTION_TOKENS + before * (QUESTION_TOKENS + answer)
    return costNano(prices, prompt, answer)
  }).reduce((sum, nano) => sum + nano, 0)
}

/** One sentence for the log: what a day can cost at the most, in currency and in typical conversations. */
export function costSentence(parts: CostParts): string {
  const { demo, perDay, perMonth, currency } = parts
  const perConversation = conversationNano(parts)
  const conversations = Math.floor((perDay * NANO) / perConversation)
  const unit = currency && ` ${currency}`
  const what = `${perDay.toFixed(2)}${unit} at the most, which is about ${conversations.toLocaleString('en-US')} typical conversations of ${QUESTIONS} questions (${(perConversation / NANO).toFixed(4)}${unit} each)`
  if (demo)
    return `The demonstration costs nothing; with a key, a day could cost ${what}, and a month ${perMonth.toFixed(2)}${unit}.`
  return `A day can cost ${what}; a month, ${perMonth.toFixed(2)}${unit}.`
}
