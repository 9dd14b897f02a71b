/** A piece of the shop's knowledge; `path` are its headings, outermost first; `keywords` help the search alone. */
export type Section = { file: string; path: readonly string[]; text: string; keywords: string }
export type Sections = { sections: Section[]; warnings: string[] }

const HEADING = /^ {0,3}(#{1,3})[ \t]+(.+?)[ \t#]*$/
const FENCE = /^ {0,3}(?:`{3,}|~{3,})/
const COMMENT = /<!--([\s\S]*?)-->/g
const KEYWORDS = /^\s*(?:keywords|mots[ -]cl[ée]s?)\s*:([\s\S]*)$/i

/**
 * Markdown -> one section per heading of level 1 to 3 that has text of its own; text before any heading goes under the
 * file's name. Comments are left out, except `<!-- keywords: … -->`: words that visitors use and the text doesn't.
 */
export function parseSections(file: string, markdown: string): Sections {
  const sections: Section[] = []
  const warnings: string[] = []
  let headings: { level: number; title: string }[] = []
  let lines: string[] = []
  let fenced = false

  const close = () => {
    const { text, keywords } = withoutComments(lines.join('\n'))
    const path = headings.map(({ title }) => title)
    const named = path.length > 0 ? path : [file.replace(/\.md$/i, '')]
    if (text.includes('<!--')) warnings.push(`${file}: "${named.join(' › ')}": a comment is not closed`)
    if (text) sections.push({ file, path: named, text, keywords })
    lines = []
  }
  for (const line of markdown.replace(/\r\n?/g, '\n').split('\n')) {
    if (FENCE.test(line)) fenced = !fenced
    const heading = fenced ? null : HEADING.exec(line)
    if (heading) {
      close()
      const [, marks = '', title = ''] = heading
      headings = [...headings.filter(({ level }) => level < marks.length), { level: marks.length, title }]
    } else lines.push(line)
  }
  close()
  if (fenced) warnings.push(`${file}: a code block is not closed`)
  return { sections, warnings }
}

function withoutComments(raw: string): { text: string; keywords: string } {
  const words = [...raw.matchAll(COMMENT)].map((comment) => KEYWORDS.exec(comment[1] ?? '')?.[1]?.trim() ?? '')
  const text = raw.replace(COMMENT, '').replace(/\n{3,}/g, '\n\n')
  return { text: text.trim(), keywords: words.filter(Boolean).join(' ') }
}
