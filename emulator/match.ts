import type { Section } from './knowledge.ts'

const STEM = 5
const TITLE_WEIGHT = 3
const KEYWORD_WEIGHT = 2
const LEAST = 1
const STOP = new Set(
  `a ai as au aux avec avez ce ces cette comme combien comment dans de des dois du elle en est et etre faire fait
  faut il ils j je l la le les leur ma me mes moi mon n ne nos notre nous on par pas peut peux pour pouvez puis qu
  quand que quel quelle quelles quels qui quoi s sa sans se ses si son sont suis sur t ta te tes toi ton tu un une vos
  votre vous voudrais y c d m svp plait please the is are you your do does can i how what and or of to in for on my it`
    .split(/\s+/)
    .filter(Boolean),
)

/** Words worth comparing: lower case, accents folded, stop words left out. */
export function wordsOf(text: string): string[] {
  const folded = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/œ/g, 'oe')
  return (folded.match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !STOP.has(word))
}

// Enough for the forms of one word to meet: réparer, réparez, réparation.
const stems = (text: string): Set<string> => new Set(wordsOf(text).map((word) => word.slice(0, STEM)))

/** Sections by plain word overlap with a question, best first; those that share too little are left out. */
export function createMatcher(sections: readonly Section[]): (question: string) => Section[] {
  const indexed = sections.map((section) => ({
    section,
    title: stems(section.title),
    keywords: stems(section.keywords),
    text: stems(`${section.topic} ${section.text}`),
  }))
  const holders = (stem: string): number =>
    indexed.filter(({ title, keywords, text }) => title.has(stem) || keywords.has(stem) || text.has(stem)).length
  return (question) => {
    const asked = [...stems(question)].map((stem) => ({
      stem,
      rarity: Math.log(1 + sections.length / (1 + holders(stem))),
    }))
    const scored = indexed.map(({ section, title, keywords, text }) => ({
      section,
      score: asked.reduce((sum, { stem, rarity }) => {
        const weight = (title.has(stem) ? TITLE_WEIGHT : 0) + (keywords.has(stem) ? KEYWORD_WEIGHT : 0)
        return sum + rarity * (weight + (text.has(stem) ? 1 : 0))
      }, 0),
    }))
    const found = scored.filter(({ score }) => score >= LEAST).sort((a, b) => b.score - a.score)
    return found.map(({ section }) => section)
  }
}
