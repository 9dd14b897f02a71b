import { Inlines, LONGEST } from './markdown-inline.ts'
import type { Align } from './markdown-table.ts'
import { tableHead } from './markdown-table.ts'
import type { Kind, Verbs } from './markdown-verbs.ts'

/** A quote, when it has no mark, or a list with its open item; what `inside` begins a line that is in it. */
type Box = { mark: string; inside: RegExp }

const MOST_BOXES = 6

// The beginning of a line that consists of marks alone, a fence's line, or the head of what may be a table.
const UNDECIDED = /^[ >\d.)#=*_+`~-]*(?:(?:```|~~~)[^\n]*|\|[^\n]*(?:\n[ >|:-]*)?)?$/
const BLANK = /^ *(?:\n|$)/
const QUOTE = /^ *> ?/
const ITEM = /^( *)(?:[-*+]|(\d{1,9})[.)])(?: +|(?=\n|$))/
const HEADING = /^ *#{1,6}(?: +|(?=\n|$))/
const RULE = /^ *([-*_])(?: *\1){2,} *(?:\n|$)/
const UNDERLINE = /^ *(?:=+|-+) *(?:\n|$)/
const FENCE = /^( *)(`{3,}(?=[^`\n]*(?:\n|$))|~{3,})[^\n]*(?:\n|$)/
const ROW = /^ *\|/

/**
 * Markdown as it streams in, told as verbs; the outcome doesn't depend on how the text was cut.
 * Costs linear time; never throws. Of CommonMark it leaves out indented code, HTML and reference links.
 */
export class Markdown {
  readonly #verbs: Verbs
  readonly #inlines: Inlines
  #rest = ''
  // A line's beginning that is being read: what of it is left.
  #line = ''
  #atLineStart = true
  #boxes: Box[] = []
  // An item that holds nothing yet: its first paragraph needs no element.
  #bare = false
  #leaf: Kind | undefined
  // How many elements the leaf has open.
  #depth = 0
  // What ends the code, and how far in it began.
  #fence = BLANK
  #indent = BLANK
  #columns: Align[] = []
  #cells = 0
  // Within a table's head: what the line of marks under it takes up.
  #marks = 0

  constructor(verbs: Verbs) {
    this.#verbs = verbs
    this.#inlines = new Inlines(verbs)
  }

  write(text: string): void {
    this.#rest += text.replaceAll('\t', '    ')
    this.#run(false)
  }

  /** What was held back is decided; everything open is closed. Nothing may be written after. */
  end(): void {
    this.#run(true)
    this.#closeTo(0)
  }

  #run(final: boolean): void {
    while (this.#rest !== '' && (this.#atLineStart ? this.#begin(final) : this.#inline(final)));
  }

  #take(length: number): string {
    const taken = this.#rest.slice(0, length)
    this.#rest = this.#rest.slice(length)
    return taken
  }

  /** What `pattern` finds at the line's beginning, which is read then. */
  #eat(pattern: RegExp): RegExpExecArray | null {
    const found = pattern.exec(this.#line)
    if (found) this.#line = this.#line.slice(found[0].length)
    return found
  }

  /** Whether all that is left of the line is a `pattern`, and read then. */
  #eatAll(pattern: RegExp): boolean {
    this.#atLineStart = this.#eat(pattern) !== null
    return this.#atLineStart
  }

  /** One line's beginning; false when more text is needed. */
  #begin(final: boolean): boolean {
    const line = this.#rest.slice(0, LONGEST)
    this.#line = line
    const kept = this.#boxes.findIndex((box) => !this.#isIn(box))
    const here = kept < 0
    const depth = here ? this.#boxes.length : kept
    const row = here && this.#leaf === 'table' && ROW.test(this.#line)
    if (!final && line.length < LONGEST && !row && UNDECIDED.test(line)) return false
    this.#atLineStart = false
    if (row) this.#row()
    else if (here && this.#leaf === 'pre') this.#codeLine()
    else if (here && this.#leaf === 'p' && this.#depth > 0 && this.#eatAll(UNDERLINE)) this.#title()
    else this.#blocks(depth)
    this.#take(line.length - this.#line.length)
    return true
  }

  /** Whether the line goes on in `box`, whose part of it is read then. */
  #isIn({ mark, inside }: Box): boolean {
    return this.#eat(inside) !== null || (mark !== '' && BLANK.test(this.#line))
  }

  /** Closes and opens what the line asks for, which `kept` of the boxes hold. */
  #blocks(kept: number): void {
    let depth = kept
    while (depth < MOST_BOXES && (this.#quote(depth) || this.#item(depth))) depth = this.#boxes.length
    if (this.#eatAll(BLANK)) this.#closeTo(depth)
    else if (!this.#table(depth) && !this.#rule(depth) && !this.#fenced(depth)) this.#words(depth)
  }

  #quote(kept: number): boolean {
    if (!this.#eat(QUOTE)) return false
    this.#open(kept, 'blockquote', { mark: '', inside: QUOTE })
    return true
  }

  #item(kept: number): boolean {
    const [marker, lead = '', number] = (!RULE.test(this.#line) && ITEM.exec(this.#line)) || []
    if (marker === undefined) return false
    const interrupts = this.#leaf === 'p' && kept === this.#boxes.length
    // "…depuis\n2019. Bref" is no list.
    if (interrupts && (BLANK.test(this.#line.slice(marker.length)) || Number(number ?? 1) !== 1)) return false
    this.#eat(ITEM)
    const least = lead.length + 2
    // Its text stands further in; but models indent carelessly.
    const inside = new RegExp(`^ {${least},${Math.max(least, marker.length)}}`)
    const box = { mark: marker.trim().slice(-1), inside }
    if (this.#boxes[kept]?.mark === box.mark) {
      this.#closeTo(kept + 1)
      this.#verbs.close()
      this.#boxes[kept] = box
    } else this.#open(kept, number ? 'ol' : 'ul', box, number && Number(number))
    this.#verbs.open('li')
    this.#bare = true
    return true
  }

  #open(kept: number, kind: Kind, box: Box, first?: number | string): void {
    this.#start(kept)
    this.#boxes.push(box)
    this.#verbs.open(kind, first)
  }

  /** Ends the leaf and all boxes but `kept`. */
  #closeTo(kept: number): void {
    this.#close(this.#depth)
    this.#leaf = undefined
    while (this.#boxes.length > kept) {
      if (this.#boxes.pop()?.mark) this.#verbs.close()
      this.#verbs.close()
    }
  }

  #title(): void {
    this.#inlines.end(false)
    this.#verbs.rename('h')
    this.#closeTo(this.#boxes.length)
  }

  #table(kept: number): boolean {
    const table = tableHead(this.#line)
    if (!table) return false
    this.#start(kept, 'table')
    this.#columns = table.columns
    this.#marks = table.length
    this.#row()
    return true
  }

  #rule(kept: number): boolean {
    const rule = this.#eatAll(RULE)
    if (rule) this.#start(kept, 'hr')
    if (rule) this.#closeTo(kept)
    return rule
  }

  #fenced(kept: number): boolean {
    const [, space = '', mark = ''] = FENCE.exec(this.#line) ?? []
    if (!this.#eatAll(FENCE)) return false
    this.#start(kept, 'pre', 'code')
    this.#fence = new RegExp(`^ *${mark}[${mark}]* *(?:\\n|$)`)
    this.#indent = new RegExp(`^ {0,${space.length}}`)
    return true
  }

  /** A heading, or a paragraph that begins or goes on. */
  #words(kept: number): void {
    if (this.#eat(HEADING)) return this.#start(kept, 'h')
    if (this.#leaf === 'p') {
      this.#inlines.endLine()
      this.#verbs.lineBreak()
    } else this.#start(kept, ...(this.#bare && kept === this.#boxes.length ? [] : (['p'] as const)))
    this.#leaf = 'p'
  }

  #codeLine(): void {
    if (this.#eatAll(this.#fence)) this.#closeTo(this.#boxes.length)
    else this.#eat(this.#indent)
  }

  /** Opens a leaf of these elements within `kept` boxes. */
  #start(kept: number, ...kinds: Kind[]): void {
    this.#closeTo(kept)
    this.#bare = false
    this.#leaf = kinds[0]
    for (const kind of kinds) this.#openIn(kind)
  }

  #openIn(kind: Kind, align?: Align): void {
    this.#verbs.open(kind, align)
    this.#depth++
  }

  /** Closes `count` elements of the leaf, and what its text has open. */
  #close(count: number): void {
    this.#inlines.end(this.#leaf === 'h')
    for (let left = count; left > 0; left--) this.#verbs.close()
    this.#depth -= count
  }

  #row(): void {
    this.#openIn('tr')
    this.#cells = 0
    this.#openCell()
    this.#eat(ROW)
  }

  get #inRow(): boolean {
    return this.#depth > 2
  }

  #openCell(): void {
    this.#openIn(this.#marks ? 'th' : 'td', this.#columns[this.#cells++])
  }

  /** Goes on within a line; false when more text is needed. */
  #inline(final: boolean): boolean {
    if (this.#leaf === 'pre') {
      const end = this.#rest.indexOf('\n') + 1
      this.#atLineStart = end > 0
      this.#verbs.text(this.#take(end || this.#rest.length))
      return true
    }
    if (this.#rest.startsWith('\n')) return this.#lineEnd()
    if (this.#inRow && this.#rest.startsWith('|')) return this.#pipe(final)
    return this.#take(this.#inlines.read(this.#rest, final)) !== ''
  }

  #lineEnd(): boolean {
    this.#atLineStart = true
    if (this.#leaf === 'h') this.#closeTo(this.#boxes.length)
    if (this.#inRow) this.#close(2)
    this.#take(1 + this.#marks)
    this.#marks = 0
    return true
  }

  #pipe(final: boolean): boolean {
    const [, next] = /^\| *([^ ])/.exec(this.#rest) ?? []
    if (!next && !final) return false
    this.#take(1)
    if (next && next !== '\n') {
      this.#close(1)
      this.#openCell()
    }
    return true
  }
}
