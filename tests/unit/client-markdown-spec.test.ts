import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { draw } from './client-markdown-tree.ts'

/** Why examples of what is supported come out otherwise, by their numbers. */
const OTHERWISE: Record<string, number[]> = {
  'indentation makes no code, and hides no marker': [
    1, 2, 3, 5, 6, 7, 8, 18, 36, 48, 49, 69, 70, 85, 87, 100, 134, 137, 225, 231, 236, 238, 252, 253, 254, 264, 270,
    271, 272, 273, 274, 278, 286, 287, 288, 289, 290, 312,
  ],
  'what stands two columns in belongs to the item': [257, 276, 280, 297, 311, 313],
  'a line under an item’s own words is a rule': [300],
  'emphasis neither begins nor ends inside a word': [355, 356, 370, 381, 396, 411, 415, 416, 417, 429],
  'a marker is used whole or not at all': [408, 430, 442, 445, 454, 457],
  'code and links end on their line': [121, 335, 336, 337, 510, 640, 641],
  'a link’s text is found before what is in it': [342, 518, 519, 520, 525, 526],
  'brackets and parentheses stand in each other once': [496, 512],
  'a title stands in quotes after a plain space, and is dropped with all that is in it': [505, 507, 508],
  'no escapes in an address between < and >': [493, 606],
  'a bare https address is a link': [602, 608, 611],
  'HTML is text': [31, 344, 475, 476, 477, 642, 643],
  'few names of entities': [25, 32, 503],
  'a tab is four spaces': [13],
  'a heading of nothing but its end': [79],
  'a backslash at the end of a block is a break that nothing follows': [90, 644, 646],
}

// Not in the data, for answers don't have them: code by indentation (107–118), HTML, which is drawn as text (21, 148–191,
// 308, 309, 491, 494, 524, 613–632), and reference links, for an answer is drawn before its last line is known (23, 33,
// 192–218, 317, 527–571 but for 547 and 548, 573, 576, 577, 582–593 but for 590).

type Example = [number: number, markdown: string, html: string]

const isExample = (row: unknown): row is Example =>
  Array.isArray(row) && typeof row[0] === 'number' && typeof row[1] === 'string' && typeof row[2] === 'string'

async function examples(): Promise<Example[]> {
  const data: unknown = JSON.parse(await readFile(join(import.meta.dirname, 'client-markdown-spec.json'), 'utf8'))
  const rows: unknown = typeof data === 'object' && data !== null && 'examples' in data ? data.examples : []
  return Array.isArray(rows) ? rows.filter(isExample) : []
}

const encode = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const LINE = '\u2028'

/** The spec's HTML as the page draws it: images are their text, each break is a line break, spaces are drawn once. */
function expected(html: string): string {
  return tight(
    html
      .replace(/<pre>(.*?)<\/pre>/gs, (pre) => pre.replace(/\n$/, '').replaceAll('\n', LINE))
      .replace(/<img src="[^"]*" alt="([^"]*)"[^>]*\/>/g, '$1')
      .replace(/(<(?:a|code)[^>]*?) (?:title|class)="[^"]*"/g, '$1')
      .replace(/<(\/?)h[1-6]>/g, '<$1h>')
      .replace(/<ol start="(\d+)">/g, '<ol $1>')
      .replace(/<([bh]r) \/>\n?/g, '<$1>')
      .replace(/\n?(<\/?(?:p|h|blockquote|ul|ol(?: \d+)?|li|pre|hr)>)\n?/g, '$1')
      .replaceAll('\n', '<br>')
      .replace(/href="([^"]*)"/g, (_, url: string) => `href=${address(url)}`),
  )
}

const address = (url: string) => {
  try {
    return decodeURI(url).replaceAll('&amp;', '&')
  } catch {
    return url
  }
}

/** Spaces as HTML shows them; an item's paragraphs are drawn without an element or with one, tight or loose. */
function tight(html: string): string {
  const open: string[] = []
  const isBare = (tag: string) => {
    const [, end, name = ''] = /^<(\/?)(\w+)/.exec(tag) ?? []
    if (!name || name === 'br' || name === 'hr') return false
    if (end) return open.pop() === ''
    const bare = name === 'p' && open.at(-1) === 'li'
    open.push(bare ? '' : name)
    return bare
  }
  return html
    .split(/(<[^>]*>)/)
    .filter((part) => !isBare(part))
    .join('')
    .replace(/ +/g, ' ')
}

function drawn(markdown: string): string {
  const html = draw([markdown], (url) => url).html(encode)
  return tight(
    html
      .replace(/<pre>(.*?)<\/pre>/gs, (pre) => pre.replaceAll('\n', LINE))
      .replaceAll('\n', '<br>')
      .replace(/href=([^>]*)/g, (_, url: string) => `href=${address(url)}`),
  )
}

const reasons = new Map(Object.entries(OTHERWISE).flatMap(([why, numbers]) => numbers.map((number) => [number, why])))
const all = await examples()

test('[MD] the CommonMark examples of what an answer uses are there', () => {
  assert.ok(all.length > 400, `${all.length}`)
  for (const number of reasons.keys())
    assert.ok(
      all.some(([known]) => known === number),
      `${number} is one`,
    )
})

for (const [number, markdown, html] of all) {
  const why = reasons.get(number)
  test(`[MD] CommonMark example ${number}${why ? `: ${why}` : ''}`, () => {
    if (why === undefined) assert.is(drawn(markdown), expected(html), JSON.stringify(markdown))
    else assert.is.not(drawn(markdown), expected(html), 'listed, yet it passes')
  })
}

test.run()
