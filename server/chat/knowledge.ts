import { stemmer as english } from '@orama/stemmers/english'
import { stemmer as french } from '@orama/stemmers/french'
import MiniSearch from 'minisearch'
import type { Section } from './knowledge-sections.ts'
import { fold, isStopWord, wordsOf } from './knowledge-words.ts'
import type { Lang } from './sentences.ts'
import { utf8Length } from './utf8.ts'

export type Ranked = { section: Section; score: number }
export type Knowledge = {
  /** Every section that fits the question at all, the best first; equal scores keep the files' order. */
  rank(question: string): Ranked[]
  /**
   * The sections for the instruction: the core first, then the best that fit into `maxTokens` (see tokensOf).
   * Whole sections only; one too large to ever fit is cut after a paragraph.
   */
  search(question: string, maxTokens: number): Section[]
  /** The largest part of the question's telling words that one section has, in [0, 1]; 1 for a question of none. */
  coverage(question: string): number
}

// Breton has no stemmer; French folding suits it better than English.
const stemmers: Record<Lang, (word: string) => string> = { fr: french, en: english, br: french }
/** What scores below this part of the best is noise, and costs money all the same. */
const NOISE = 0.25
const MAX_SECTIONS = 8

/** Indexes the sections; `lang` is theirs and picks the stemmer. `core` goes into every search that it fits. */
export function createKnowledge(sections: readonly Section[], lang: Lang, core?: Section): Knowledge {
  const stem = stemmers[lang]
  /** Every term of the index, and what became of each of its words: most of a question's are among them. */
  const terms = new Set<string>()
  const stems = new Map<string, string | null>()
  const index = new MiniSearch<Section & { id: number }>({
    fields: ['title', 'keywords', 'text'],
    extractField: (section, field) => fieldOf(section, field),
    tokenize: wordsOf,
    processTerm(word, field) {
      const known = stems.get(word)
      if (known !== undefined) return known
      const term = isStopWord(word) ? null : stemOf(word, stem)
      // Only what is indexed comes with the name of its field.
      if (field !== undefined) stems.set(word, term)
      if (term !== null && field !== undefined) terms.add(term)
      return term
    },
    searchOptions: {
      boost: { title: 3, keywords: 2 },
      prefix: (term) => term.length >= 4,
      // A word that the files know is no slip of the keyboard; looking for its likes costs the most of a search.
      fuzzy: (term) => (term.length >= 5 && !terms.has(term) ? 0.2 : false),
      weights: { prefix: 0.4, fuzzy: 0.3 },
    },
  })
  index.addAll(sections.map((section, id) => ({ ...section, id })))

  function rank(question: string): Ranked[] {
    const found = index.search(question).map(({ id, score }) => ({ id: Number(id), score }))
    found.sort((a, b) => b.score - a.score || a.id - b.id)
    return found.flatMap(({ id, score }) => {
      const section = sections[id]
      return section ? [{ section, score }] : []
    })
  }
  const coverage = (question: string) => {
    const told = new Set(wordsOf(question).flatMap((word) => (isStopWord(word) ? [] : stemOf(word, stem))))
    const found = index.search(question).map(({ queryTerms }) => new Set(queryTerms).size)
    return told.size === 0 ? 1 : Math.max(0, ...found) / told.size
  }
  const sizes = new Map([...sections, ...(core ? [core] : [])].map((section) => [section, renderedTokens(section)]))
  const sizeOf = (section: Section) => sizes.get(section) ?? renderedTokens(section)
  return { rank, search: (question, maxTokens) => choose(rank(question), maxTokens, sizeOf, core), coverage }
}

function fieldOf(section: Section & { id: number }, field: string): string {
  if (field === 'title') return section.path.join(' ')
  if (field === 'keywords') return section.keywords
  return field === 'id' ? String(section.id) : section.text
}

// The French stemmer leaves short plurals (vélos) and accentless participles (reparee) alone.
function stemOf(word: string, stem: (word: string) => string): string {
  const folded = fold(word)
  const singular = folded.length > 3 ? folded.replace(/[sx]$/, '') : folded
  return stem(singular).replace(/(?<=.{3})e+$/, '')
}

type SizeOf = (section: Section) => number

function choose(ranked: readonly Ranked[], maxTokens: number, sizeOf: SizeOf, core?: Section): Section[] {
  const chosen: Section[] = []
  let room = maxTokens
  const take = (section: Section) => {
    room -= sizeOf(section)
    chosen.push(section)
  }
  if (core && sizeOf(core) <= room) take(core)
  const whole = room
  const floor = (ranked[0]?.score ?? 0) * NOISE
  for (const { section, score } of ranked) {
    if (score < floor || chosen.length >= MAX_SECTIONS) break
    const size = sizeOf(section)
    const fitting = size <= room ? section : size > whole ? cut(section, room) : undefined
    if (fitting) take(fitting)
  }
  return chosen
}

// The first paragraphs that fit, or nothing.
function cut(section: Section, maxTokens: number): Section | undefined {
  let text = ''
  for (const paragraph of section.text.split(/\n{2,}/)) {
    const longer = text ? `${text}\n\n${paragraph}` : paragraph
    if (renderedTokens({ ...section, text: longer }) > maxTokens) break
    text = longer
  }
  return text ? { ...section, text } : undefined
}

/** An upper estimate in tokens: UTF-8 bytes / 3. Real French runs at 3.5 to 4.5 bytes a token. */
export function tokensOf(text: string): number {
  return Math.ceil(utf8Length(text) / 3)
}

const renderedTokens = (section: Section): number => tokensOf(renderSection(section))

const rendered = new WeakMap<Section, string>()

/** A section as the model reads it: a delimited reference that can't close its own delimiter. */
export function renderSection(section: Section): string {
  const text = rendered.get(section) ?? render(section)
  rendered.set(section, text)
  return text
}

function render({ path, text }: Section): string {
  const inert = (raw: string) => raw.replace(/<(?=\s*\/?\s*(?:section|reference)\b)/gi, '‹')
  const title = inert(path.join(' › ')).replace(/"/g, '”')
  return `<section title="${title}">\n${inert(text)}\n</section>`
}
