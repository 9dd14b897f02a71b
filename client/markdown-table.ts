/** Where a cell's text stands; the start is not said. */
export type Align = 'center' | 'right'
/** `head` is the first row with its line break, `length` what the head and the line of marks take up. */
export type TableHead = { head: string; length: number; columns: (Align | undefined)[] }

const HEAD = /^([ \t]*\|[^\n]*\n)[ \t]*\|?([ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*)\|?[ \t]*(?:\n|$)/
const UNDECIDED = /^[ \t]*\|[^\n]*(?:\n[ \t|:-]*)?$/
// No row is waited for longer than that.
const LONGEST = 1000

/** Whether the lines that `text` begins with may still turn out to be a table's head. */
export const isTableUndecided = (text: string): boolean => text.length < LONGEST && UNDECIDED.test(text)

/** The table's head that `text` begins with. */
export function tableHead(text: string): TableHead | undefined {
  const [whole = '', head = '', marks = ''] = HEAD.exec(text) ?? []
  if (!whole || whole.length > LONGEST) return undefined
  return { head, length: whole.length, columns: marks.split('|').map(alignOf) }
}

function alignOf(mark: string): Align | undefined {
  if (!/:[ \t]*$/.test(mark)) return undefined
  return /^[ \t]*:/.test(mark) ? 'center' : 'right'
}
