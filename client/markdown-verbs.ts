/** What a text consists of. */
export type Kind =
  | ('p' | 'h' | 'blockquote' | 'ul' | 'ol' | 'li' | 'pre' | 'hr')
  | ('table' | 'tr' | 'th' | 'td')
  | ('em' | 'strong' | 'code' | 'a')

/** What the parser asks of a renderer. Nothing that stands is ever moved, save by `unwrap`. */
export type Verbs = {
  /** `detail`: an `ol`'s first number, a cell's alignment, where an `a` leads, as the model wrote it: unchecked. */
  open(kind: Kind, detail?: number | string | undefined): void
  text(text: string): void
  lineBreak(): void
  close(): void
  /** The innermost element was none: `marker` and its children take its place. */
  unwrap(marker: string): void
  /** The innermost element was one of `kind`. */
  rename(kind: Kind): void
}
