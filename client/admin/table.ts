import { attribute, say } from '../dom.ts'

/** A table that is only touched where it changed; `numbers` are the columns that stand at the right. */
export class Table {
  readonly #body = document.createElement('tbody')
  readonly #empty = document.createElement('p')
  readonly #table = document.createElement('table')

  constructor(
    private readonly box: HTMLElement,
    columns: readonly string[],
    nothing: string,
    private readonly numbers: readonly number[],
  ) {
    const head = document.createElement('thead')
    head.append(rowOf('th', columns, numbers))
    this.#table.append(head, this.#body)
    this.#empty.className = 'note'
    this.#empty.textContent = nothing
    box.tabIndex = 0
    attribute(box, 'role', 'group')
    attribute(box, 'aria-label', box.closest('section')?.querySelector('h2')?.textContent ?? '')
  }

  draw(rows: readonly (readonly string[])[]): void {
    const shown = rows.length === 0 ? this.#empty : this.#table
    if (this.box.firstChild !== shown) this.box.replaceChildren(shown)
    while (this.#body.rows.length > rows.length) this.#body.deleteRow(-1)
    rows.forEach((cells, i) => {
      const row = this.#body.rows[i]
      if (row) refill(row, cells)
      else this.#body.append(rowOf('td', cells, this.numbers))
    })
  }
}

function refill(row: HTMLTableRowElement, cells: readonly string[]): void {
  for (const [i, text] of cells.entries()) {
    const cell = row.cells[i]
    if (cell) say(cell, text)
  }
}

function rowOf(kind: 'td' | 'th', cells: readonly string[], numbers: readonly number[]): HTMLTableRowElement {
  const row = document.createElement('tr')
  cells.forEach((text, i) => {
    const cell = document.createElement(kind)
    cell.textContent = text
    if (kind === 'th') cell.setAttribute('scope', 'col')
    if (numbers.includes(i)) cell.className = 'number'
    row.append(cell)
  })
  return row
}
