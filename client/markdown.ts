import { InlineStack } from './markdown-inline.ts'
import type { Align, TableHead } from './markdown-table.ts'
import { isTableUndecided, tableHead } from './markdown-table.ts'
import type { Verbs } from './markdown-verbs.ts'

type List = { kind: 'ul' | 'ol'; indent: number }

const MOST_LISTS = 5
const LONGEST_LINK = 500

const SPECIAL = /[*_[\]\\|\n]/
// The beginning of a line that may still turn out to be a marker.
const UNDECIDED = /^[ \t]*(?:[-*+]|\d{1,9}[.)]?|#{1,6}|\|)?[ \t]*$/
const ITEM = /^([ \t]*)(?:[-*+]|(\d{1,9})[.)])(?:[ \t]+|(?=\n|$))/
const HEADING = /^[ \t]*#{1,6}(?:[ \t]+|(?=\n|$))/
const LINK = /^\]\(\s*([^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s+"[^"\n]*")?\s*\)/
const UNDECIDED_LINK = /^\](?:\([^\n]*)?$/

const columnsOf = (space: string) => space.replaceAll('\t', '    ').length

/**
 * Markdown as it streams in, told as verbs; the outcome doesn't depend on how the text was cut.
 * Emphasis opens at once, and is taken back where its end never comes. Costs linear time; never throws.
 */
export class Markdown {
  readonly #verbs: Verbs
  #rest = ''
  #last = ''
  #atLineStart = true
  #block: 'none' | 'p' | 'h' | 'li' | 'row' = 'none'
  #columns: (Align | undefined)[] | undefined
  #cell: 'th' | 'td' = 'td'
  #cells = 0
  #lists: List[] = []
  readonly #inlines: InlineStack

  constructor(verbs: Verbs) {
    this.#verbs = verbs
    this.#inlines = new InlineStack(verbs)
  }

  write(text: string): void {
    this.#rest += text
    this.#run(false)
  }

  /** What was held back is decided; everything open is closed. Nothing may be written after. */
  end(): void {
    this.#run(true)
    this.#endBlock()
    this.#endTable()
    this.#closeLists(0)
  }

  #run(final: boolean): void {
    while (this.#rest !== '' && (this.#atLineStart ? this.#line(final) : this.#inline(final)));
  }

  #take(length: number): string {
    const taken = this.#rest.slice(0, length)
    this.#rest = this.#rest.slice(length)
    this.#last = taken.slice(-1)
    return taken
  }

  /** One line's beginning; false when more text is needed. */
  #line(final: boolean): boolean {
    if (!final && (UNDECIDED.test(this.#rest) || (!this.#columns && isTableUndecided(this.#rest)))) return false
    const blank = /^[ \t]*(?:\n|$)/.exec(this.#rest)
    if (blank) {
      this.#endBlock()
      this.#endTable()
      this.#take(blank[0].length)
      return true
    }
    this.#atLineStart = false
    const table = this.#columns ? undefined : tableHead(this.#rest)
    if (table) this.#table(table)
    const row = this.#columns && /^[ \t]*\|[ \t]*/.exec(this.#rest)
    if (row) this.#row(row[0].length, table ? 'th' : 'td')
    else this.#otherLine()
    this.#last = ''
    return true
  }

  #otherLine(): void {
    this.#endTable()
    const item = ITEM.exec(this.#rest)
    const heading = HEADING.exec(this.#rest)
    if (heading) this.#heading(heading[0].length)
    else if (item && this.#mayBeItem(item[2])) this.#item(item[0].length, columnsOf(item[1] ?? ''), item[2])
    else this.#paragraph()
  }

  #table({ columns, head, length }: TableHead): void {
    this.#endBlock()
    this.#closeLists(0)
    this.#rest = head + this.#rest.slice(length)
    this.#columns = columns
    this.#verbs.open('table')
  }

  #endTable(): void {
    if (!this.#columns) return
    this.#endBlock()
    this.#verbs.close()
    this.#columns = undefined
  }

  #row(length: number, cell: 'th' | 'td'): void {
    this.#endBlock()
    this.#take(length)
    this.#verbs.open('tr')
    this.#block = 'row'
    this.#cell = cell
    this.#cells = 0
    this.#openCell()
  }

  #openCell(): void {
    this.#verbs.open(this.#cell, this.#columns?.[this.#cells++])
  }

  #pipe(final: boolean): boolean {
    if (this.#block !== 'row') return this.#plain(1)
    const [pipe = ''] = /^\|[ \t]*/.exec(this.#rest) ?? []
    const next = this.#rest[pipe.length]
    if (next === undefined && !final) return false
    this.#take(pipe.length)
    if (next === undefined || next === '\n') return true
    this.#inlines.end()
    this.#verbs.close()
    this.#openCell()
    return true
  }

  // "…depuis\n2019. Bref" is no list.
  #mayBeItem(number: string | undefined): boolean {
    return number === undefined || number === '1' || this.#block === 'none' || this.#lists.length > 0
  }

  #heading(length: number): void {
    this.#endBlock()
    this.#closeLists(0)
    this.#take(length)
    this.#open('h')
  }

  #item(length: number, indent: number, number: string | undefined): void {
    const kind = number === undefined ? 'ul' : 'ol'
    this.#endBlock()
    this.#take(length)
    // An item left of them all still belongs to the outermost list.
    const keep = this.#lists.findLastIndex((list, at) => at === 0 || list.indent <= indent) + 1
    this.#closeLists(keep)
    const top = this.#lists.at(-1)
    const nested = top && indent >= top.indent + 2 && keep < MOST_LISTS
    if (top && !nested && top.kind === kind) this.#verbs.close()
    else {
      if (top && !nested) this.#closeLists(keep - 1)
      this.#openList(kind, indent, number)
    }
    this.#open('li')
  }

  #openList(kind: 'ul' | 'ol', indent: number, number: string | undefined): void {
    this.#verbs.open(kind, number === undefined ? undefined : Number(number))
    this.#lists.push({ kind, indent })
  }

  #paragraph(): void {
    const indent = /^[ \t]*/.exec(this.#rest)?.[0].length ?? 0
    if (this.#block === 'h') this.#endBlock()
    this.#take(indent)
    if (this.#block !== 'none') this.#verbs.lineBreak()
    else {
      if (indent < 2) this.#closeLists(0)
      this.#open('p')
    }
  }

  #open(block: 'p' | 'h' | 'li'): void {
    this.#verbs.open(block)
    this.#block = block
  }

  #endBlock(): void {
    this.#inlines.end()
    if (this.#block === 'row') this.#verbs.close()
    if (this.#block !== 'none' && this.#block !== 'li') this.#verbs.close()
    this.#block = 'none'
  }

  #closeLists(keep: number): void {
    for (; this.#lists.length > keep; this.#lists.pop()) {
      this.#verbs.close()
      this.#verbs.close()
    }
  }

  /** Text up to the next character that may mean something, or that one; false when more text is needed. */
  #inline(final: boolean): boolean {
    const at = this.#rest.search(SPECIAL)
    if (at !== 0) return this.#plain(at < 0 ? this.#rest.length : at)
    switch (this.#rest[0]) {
      case '\n':
        this.#take(1)
        this.#atLineStart = true
        return true
      case '\\':
        return this.#escape(final)
      case '[':
        return this.#bracket()
      case '|':
        return this.#pipe(final)
      case ']':
        return this.#linkEnd(final)
      default:
        return this.#emphasis(final)
    }
  }

  #plain(length: number): boolean {
    this.#verbs.text(this.#take(length))
    return true
  }

  #escape(final: boolean): boolean {
    if (this.#rest.length < 2 && !final) return false
    if (/^\\[!-/:-@[-`{-~]/.test(this.#rest)) this.#take(1)
    return this.#plain(1)
  }

  #bracket(): boolean {
    if (!this.#inlines.openLink()) return this.#plain(1)
    this.#take(1)
    return true
  }

  #linkEnd(final: boolean): boolean {
    if (!this.#inlines.inLink) return this.#plain(1)
    const link = LINK.exec(this.#rest)
    if (!link && !final && this.#rest.length < LONGEST_LINK && UNDECIDED_LINK.test(this.#rest)) return false
    if (!link || link[0].length > LONGEST_LINK) {
      this.#inlines.dropLink()
      return this.#plain(1)
    }
    this.#take(link[0].length)
    this.#inlines.closeLink(link[1] ?? '')
    return true
  }

  #emphasis(final: boolean): boolean {
    const [run = ''] = /^(?:\*+|_+)/.exec(this.#rest) ?? []
    if (run.length === this.#rest.length && !final) return false
    const before = this.#last
    this.#take(run.length)
    this.#inlines.emphasis(before, run, this.#rest[0] ?? '')
    return true
  }
}
