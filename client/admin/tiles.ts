import { attribute, say } from '../dom.ts'

/** A figure with a few words; `tone` says that somebody should look. */
export type Tile = { name: string; value: string; note: string; tone?: 'warn' | 'bad' | undefined }

/** Draws the figures, always the same ones in the same order. */
export function drawTiles(list: HTMLElement, tiles: readonly Tile[]): void {
  tiles.forEach(({ name, value, note, tone }, i) => {
    const tile = list.children[i] ?? list.appendChild(newTile())
    attribute(tile, 'data-tone', tone ?? 'fine')
    for (const [j, text] of [name, value, note].entries()) {
      const part = tile.children[j]
      if (part) say(part, text)
    }
  })
}

function newTile(): HTMLElement {
  const tile = document.createElement('div')
  const [name, value, note] = ['dt', 'dd', 'dd'].map((tag) => document.createElement(tag))
  if (!name || !value || !note) return tile
  value.className = 'value'
  note.className = 'note'
  tile.append(name, value, note)
  return tile
}
