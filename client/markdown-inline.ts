import type { Verbs } from './markdown-verbs.ts'

type Inline = { kind: 'em' | 'strong' | 'a'; marker: string }

// Deeper than that markers are text, so that hostile nesting stays flat.
const MOST = 8

const isWord = (char: string) => /[\p{L}\p{N}]/u.test(char)
const isSpace = (char: string) => char === '' || /\s/.test(char)

/** Which emphasis and link are open within one block. They open at once, and are taken back when no end comes. */
export class InlineStack {
  readonly #verbs: Verbs
  #open: Inline[] = []

  constructor(verbs: Verbs) {
    this.#verbs = verbs
  }

  get inLink(): boolean {
    return this.#link >= 0
  }

  get #link(): number {
    return this.#open.findIndex(({ kind }) => kind === 'a')
  }

  /** The block ends: what is open still was none. */
  end(): void {
    this.#unwrapTo(0)
  }

  /** After "["; false when that is text. */
  openLink(): boolean {
    if (this.#open.length >= MOST || this.inLink) return false
    this.#push('a', '[')
    return true
  }

  dropLink(): void {
    this.#unwrap(this.#link)
  }

  closeLink(url: string): void {
    this.#unwrapTo(this.#link + 1)
    this.#open.pop()
    this.#verbs.link(url)
  }

  /** A run of `*` or of `_` between two characters, '' at an edge; never inside a word. */
  emphasis(before: string, run: string, next: string): void {
    const closes = !isSpace(before) && !isWord(next)
    const opens = !isSpace(next) && !isWord(before)
    const left = closes ? this.#close(run) : run
    if (left === '') return
    if (!opens || left.length > 3 || this.#open.length >= MOST - 1) {
      this.#verbs.text(left)
      return
    }
    if (left.length !== 2) this.#push('em', left.slice(0, 1))
    if (left.length >= 2) this.#push('strong', left.slice(0, 2))
  }

  /** Closes what `run` can; returns what is left of it. */
  #close(run: string): string {
    const inReach = this.#open.slice(this.#link + 1)
    const same = inReach.findLastIndex(({ marker }) => marker === run)
    const at = same < 0 ? inReach.findLastIndex(({ marker }) => run.startsWith(marker)) : same
    const found = inReach[at]
    if (!found) return run
    this.#unwrapTo(this.#link + at + 2)
    this.#open.pop()
    this.#verbs.close()
    return this.#close(run.slice(found.marker.length))
  }

  #push(kind: Inline['kind'], marker: string): void {
    this.#open.push({ kind, marker })
    this.#verbs.open(kind)
  }

  #unwrapTo(keep: number): void {
    while (this.#open.length > keep) this.#unwrap(this.#open.length - 1)
  }

  #unwrap(at: number): void {
    const [taken] = this.#open.splice(at, 1)
    if (taken) this.#verbs.unwrap(this.#open.length - at, taken.marker)
  }
}
