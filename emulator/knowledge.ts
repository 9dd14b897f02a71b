import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A titled piece of Markdown; `topic` is its file's first-level heading, `keywords` come from a comment in it. */
export type Section = { topic: string; title: string; text: string; keywords: string }

const MOST_FILES = 100
const MOST_CHARS = 200_000
const KEYWORDS = /<!--\s*keywords:([\s\S]*?)-->/g
const COMMENT = /<!--[\s\S]*?-->/g

/** The sections of a folder's Markdown files, in the order of their names; none when it can't be read. */
export async function readSections(dir: string): Promise<Section[]> {
  const names = await readdir(dir).catch(() => [])
  const files = names.filter((name) => name.endsWith('.md')).sort()
  const texts = await Promise.all(files.slice(0, MOST_FILES).map((name) => textOf(join(dir, name))))
  return texts.flatMap(sectionsOf)
}

const textOf = async (path: string): Promise<string> =>
  (await readFile(path, 'utf8').catch(() => '')).slice(0, MOST_CHARS)

/** Cuts Markdown at its headings; text before the first one and sections without text go away. */
export function sectionsOf(markdown: string): Section[] {
  const [, ...pieces] = `\n${markdown.replace(/\r\n?/g, '\n')}`.split(/\n(?=#{1,6}[ \t])/)
  const topic = titleOf(pieces.find((piece) => piece.startsWith('# ')) ?? '')
  return pieces.flatMap((piece) => {
    const body = piece.slice(piece.split('\n', 1).join('').length)
    const keywords = [...body.matchAll(KEYWORDS)].map(([, words = '']) => words.trim()).join(', ')
    const text = body
      .replace(COMMENT, '')
      .replace(/\n{3,}/g, '\n\n')
      .trim()
    return text === '' ? [] : [{ topic, title: titleOf(piece), text, keywords }]
  })
}

const titleOf = (piece: string): string => (piece.split('\n', 1)[0] ?? '').replace(/^#+\s*/, '').trim()
