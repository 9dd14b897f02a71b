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

const INTRO = '**Mode démonstration :** aucun modèle n’est branché, voici ce que disent les fiches de la boutique.'
const HELLO = `**Mode démonstration :** bonjour marin, et bienvenue à bord ! Aucun modèle n’est branché ici : je ne fais que lire les fiches de la boutique, mais de bon cœur.`
const GOODBYE = `**Mode démonstration :** avec plaisir, et bon vent ! Aucun modèle n’est branché ici : ces réponses viennent mot pour mot des fiches de la boutique.`
const LOST = `**Mode démonstration :** aucun modèle n’est branché, et aucune fiche de la boutique ne répond à cette question.`
const EMPTY = `${INTRO}\n\nOr **aucune fiche** n’a été trouvée. Pour en ajouter :\n\n- créez un fichier Markdown dans le dossier des connaissances ;\n- donnez-lui un titre, puis une section par sujet ;\n- relancez la démonstration.\n\nAvec une clé Gemini, un vrai modèle répondra à partir des mêmes fiches.`

/** Answers made from a shop's sections, in French Markdown; nothing of the question is ever repeated. */
export function createDemo(sections: readonly Section[]): (question: string) => string {
  const match = createMatcher(sections)
  const topics = [...new Set(sections.map(({ topic, title }) => topic || title))].slice(0, 8)
  return (question) => {
    const words = wordsOf(question)
    if (words.every((word) => GREETINGS.has(word))) return withTopics(HELLO, topics)
    if (words.every((word) => THANKS.has(word) || GREETINGS.has(word))) return withTopics(GOODBYE, topics)
    if (sections.length === 0) return EMPTY
    const [best, ...others] = match(question)
    return best === undefined ? withTopics(LOST, topics) : told(best, others)
  }
}

function withTopics(sentence: string, topics: readonly string[]): string {
  if (topics.length === 0) return `${sentence}\n\nLes fiches manquent encore : il n’y a rien d’autre à lire.`
  return `${sentence}\n\nVous pouvez me demander, par exemple :\n\n${list(topics)}\n\nUne question courte, sur un seul sujet, tombe plus souvent juste.`
}

/** The best section, a second one where there is room and need, and the titles of the next ones. */
function told(best: Section, others: readonly Section[]): string {
  let answer = `${INTRO}\n\n${quoted(best, LONGEST - INTRO.length - 2)}`
  const [second, ...rest] = others
  if (second !== undefined && answer.length < SHORTEST && fits(answer, quoted(second, LONGEST)))
    answer += `\n\n${quoted(second, LONGEST)}`
  const near = (answer.includes(`**${second?.title}**`) ? rest : others).slice(0, 3).map(({ title }) => title)
  const more = `Sur des sujets voisins :\n\n${list(near)}`
  if (near.length > 0 && fits(answer, more)) answer += `\n\n${more}`
  const closing =
    'Pour une vraie conversation, ajoutez une clé Gemini à la configuration du serveur : les mêmes fiches nourriront alors les réponses d’un modèle.'
  return answer.length < SHORTEST ? `${answer}\n\n${closing}` : answer
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
