/** Where a cell's text stands; '' is the start. */
export type Align = '' | 'center' | 'right'
/** `length`: what the line of marks under the head takes up. */
export type TableHead = { length: number; columns: Align[] }

const HEAD = /^ *\|[^\n]*\n([ >]*\|?( *:?-+:? *(?:\| *:?-+:? *)*)\|? *(?:\n|$))/

/** The table's head that `text` begins with. */
export function tableHead(text: string): TableHead | undefined {
  const [whole, { length } = '', marks = ''] = HEAD.exec(text) ?? []
  return whole ? { length, columns: marks.split('|').map(alignOf) } : undefined
}

const alignOf = (mark: string): Align => (/: *$/.test(mark) ? (/^ *:/.test(mark) ? 'center' : 'right') : '')
