import { type DemoLang, type DemoWords, demoWords } from './demo-words.ts'
import type { Section } from './knowledge.ts'
import { createMatcher, wordsOf } from './match.ts'

const LONGEST = 900
const SHORTEST = 300
const GREETINGS = new Set(
  'bonjour bonsoir salut coucou hello hi hey ahoy ohe yo demat degemer allo marin capitaine moussaillon ca va bien'.split(
    ' ',
  ),
)
const THANKS = new Set(
  'merci beaucoup thanks thank trugarez super parfait genial ok bonne journee soiree kenavo revoir'.split(' '),
)

/** Answers made from a shop's sections, in Markdown; nothing of the question is ever repeated. */
export function createDemo(sections: readonly Section[], lang: DemoLang = 'fr'): (question: string) => string {
  const say = demoWords[lang]
  const match = createMatcher(sections)
  const topics = [...new Set(sections.map(({ topic, title }) => topic || title))].slice(0, 8)
  return (question) => {
    const words = wordsOf(question)
    if (words.every((word) => GREETINGS.has(word))) return withTopics(say, say.hello, topics)
    if (words.every((word) => THANKS.has(word) || GREETINGS.has(word))) return withTopics(say, say.goodbye, topics)
    if (sections.length === 0) return `${say.intro}\n\n${say.empty}`
    const [best, ...others] = match(question)
    return best === undefined ? withTopics(say, say.lost, topics) : told(say, best, others)
  }
}

function withTopics(say: DemoWords, sentence: string, topics: readonly string[]): string {
  if (topics.length === 0) return `${sentence}\n\n${say.nothingElse}`
  return `${sentence}\n\n${say.topics}\n\n${list(topics)}\n\n${say.hint}`
}

/** The best section, a second one where there is room and need, and the titles of the next ones. */
function told(say: DemoWords, best: Section, others: readonly Section[]): string {
  let answer = `${say.intro}\n\n${quoted(best, LONGEST - say.intro.length - 2)}`
  const [second, ...rest] = others
  if (second !== undefined && answer.length < SHORTEST && fits(answer, quoted(second, LONGEST)))
    answer += `\n\n${quoted(second, LONGEST)}`
  const near = (answer.includes(`**${second?.title}**`) ? rest : others).slice(0, 3).map(({ title }) => title)
  const more = `${say.near}\n\n${list(near)}`
  if (near.length > 0 && fits(answer, more)) answer += `\n\n${more}`
  return answer.length < SHORTEST ? `${answer}\n\n${say.closing}` : answer
}

const fits = (answer: string, more: string): boolean => answer.length + more.length + 2 <= LONGEST
const list = (titles: readonly string[]): string => titles.map((title) => `- ${title}`).join('\n')

/** A section under a bold title, whole lines of it, in at most `room` characters. */
function quoted({ title, text }: Section, room: number): string {
  const lines = [`**${title}**`, '', ...text.split('\n')]
  let kept = ''
  for (const line of lines) {
    if (kept.length + line.length + 1 > room) break
    kept += kept === '' ? line : `\n${line}`
  }
  const whole = kept.trimEnd()
  return whole === `**${title}**` ? `${whole}\n\n${shortened(text, room - whole.length - 2)}` : whole
}

/** A paragraph too long for its place, cut between words. */
function shortened(text: string, room: number): string {
  const cut = text.slice(0, Math.max(0, room - 1))
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), 0))}…`
}
