import type { Align } from './markdown-table.ts'

/** What a text consists of. */
export type Kind = 'p' | 'h' | 'ul' | 'ol' | 'li' | 'table' | 'tr' | 'th' | 'td' | 'em' | 'strong' | 'a'

/** What the parser asks of a renderer. Nothing that stands is ever moved, save by `unwrap`. */
export type Verbs = {
  /** `detail`: an `ol`'s first number, a cell's alignment. */
  open(kind: Kind, detail?: number | Align | undefined): void
  text(text: string): void
  lineBreak(): void
  close(): void
  /** Closes the open `a`, which leads to `url` as the model wrote it: unchecked. */
  link(url: string): void
  /** The element `level` above the innermost was none: `marker` and its children take its place. */
  unwrap(level: number, marker: string): void
}
