import { named } from './markdown-entities.ts'
import type { Verbs } from './markdown-verbs.ts'

/** Nothing is waited for longer than that many characters. */
export const LONGEST = 1000
// Deeper than that markers are text, so that hostile nesting stays flat.
const MOST = 8

const SPECIAL = /[*_[\\`<&\n|+]|!(?=\[|$)|\b(?:0|h(?=ttps:|t{0,2}p?s?$))/
const ESCAPE = /\\([!-/:-@[-`{-~])|&#(x?[\da-f]{1,5});|&([a-z]{2,8});/gi
const LITERAL = new RegExp(`^(?:${ESCAPE.source})`, 'i')
const CODE = /^(`+)([^`\n](?:.*?[^`\n])??)\1(?!`)/
const LINK =
  /^!?\[((?:\\.|\[[^[\]\n]*\]|[^[\]\\\n])*)\]\( *(?:<([^<>\n]*)>|((?:\\\S|[^\s()<\\]|\((?:\\\S|[^\s()\\])*\))*))(?: +(["']).*?\4)? *\)/
const ANGLE = /^<([\w+.-]{2,}:[^\s<>]*|[^\s<>:]+@[^\s<>:]+)>/
const BARE = /^(?:(https:\/\/[^\s<>*|`]*[\w/])|((?:\+\d\d ?|0)[1-9](?:[ .-]?\d\d){4})(?!\d))([^\s<>*|`]*)/
const RUN = /^(?:\*+|_+)/
// What may still turn out to be one of these.
const UNDECIDED =
  /^(?:\\|`.*|!?(?:\[(?![^[\]\\]*\][^(]).*)?|<[^\s<>]*(?: \/?)?|&#?\w{0,9}|ht{0,2}p?s?:?[^\s<>*|`]*|[+0][\d .-]*)$/

const isWord = (char: string) => /[\p{L}\p{N}\p{M}]/u.test(char)
const isSpace = (char: string) => /^\s?$/.test(char)
/** `text` without escapes and entities; an unknown entity stays as it is. */
const literal = (text: string) =>
  text.replace(
    ESCAPE,
    (all, char?: string, code?: string, name?: string) =>
      char ?? (code ? String.fromCodePoint(Number(`0${code}`) || 0xfffd) : (named(name ?? '') ?? all)),
  )

type Construct = [pattern: RegExp, draw: (match: RegExpExecArray, head: string) => void]

/** The text of a block as it comes: emphasis opens at once, and is taken back when no end comes. */
export class Inlines {
  readonly #verbs: Verbs
  readonly #constructs: Construct[]
  #open: string[] = []
  #last = ''
  // Not drawn where a line ends: spaces, and the marks after a heading.
  #held = ''
  // Within a link: where its own emphasis begins.
  #floor = 0
  #linked = false

  constructor(verbs: Verbs) {
    this.#verbs = verbs
    this.#constructs = [
      [/^\\(?=\n)/, () => {}],
      [LITERAL, ([text]) => verbs.text(literal(text))],
      [CODE, ([, , text = '']) => this.#element('code', '', text.replace(/^ (.*[^ ].*) $/, '$1'))],
      [LINK, (match) => this.#link(match)],
      [/^<br ?\/?>/i, () => verbs.lineBreak()],
      [ANGLE, ([, text = '']) => this.#anchor(text.includes(':') ? text : `mailto:${text}`, text)],
      [
        BARE,
        ([, url, phone = '', after = '']) => {
          this.#anchor(url ?? `tel:${phone.replace(/[ .-]/g, '')}`, url ?? phone)
          if (after) verbs.text(after)
        },
      ],
      [RUN, ([run], head) => this.#emphasis(run, head[run.length] ?? '')],
    ]
  }

  /** A line or the whole block ends; the marks after a heading are none of its text. */
  endLine(heading = false): void {
    const held = heading ? '' : this.#held.trimEnd()
    if (held) this.#verbs.text(held)
    this.#last = this.#held = ''
  }

  /** The block ends: what is open still was none. */
  end(heading: boolean): void {
    this.endLine(heading)
    this.#unwrapTo(0)
  }

  /** Draws what `rest` begins with; returns how much that was, 0 when more text is needed. */
  read(rest: string, final: boolean): number {
    const head = rest.slice(0, LONGEST)
    const at = head.search(SPECIAL)
    if (at !== 0) return this.#plain(at < 0 ? head : head.slice(0, at))
    const more = !final && head.length < LONGEST && !head.includes('\n')
    for (const [pattern, draw] of this.#constructs) {
      const match = pattern === BARE && isWord(this.#last) ? null : pattern.exec(head)
      if (!match) continue
      const [{ length }] = match
      if (more && length === head.length) return 0
      if (this.#held) this.#verbs.text(this.#held)
      this.#held = ''
      draw(match, head)
      this.#last = head.slice(length - 1, length)
      return length
    }
    return more && UNDECIDED.test(head) ? 0 : this.#plain(/^(?:`+|.)/s.exec(head)?.[0] ?? '')
  }

  #plain(text: string): number {
    const all = (this.#held + text).replace(/ +/g, ' ').slice(this.#last === '' && text.startsWith(' ') ? 1 : 0)
    const end = all.search(/ #{0,99} ?$|$/)
    this.#held = all.slice(end)
    if (end) this.#verbs.text(all.slice(0, end))
    if (all) this.#last = text.slice(-1)
    return text.length
  }

  #element(kind: 'code' | 'a', detail: string, text: string): void {
    this.#verbs.open(kind, detail)
    this.#verbs.text(text)
    this.#verbs.close()
  }

  #anchor(url: string, text: string): void {
    if (this.#linked) this.#verbs.text(text)
    else this.#element('a', url, text)
  }

  /** A link, or an image, whose text it is. */
  #link([whole, text = '', angled, url = '']: RegExpExecArray): void {
    const plain = this.#linked || whole.startsWith('!')
    const outer = this.#linked
    if (!outer) this.#floor = this.#open.length
    if (!plain) this.#verbs.open('a', literal(angled ?? url))
    this.#linked = true
    this.#last = '['
    for (let rest = text; rest !== ''; ) rest = rest.slice(this.read(rest, true))
    this.#linked = outer
    if (!outer) this.#unwrapTo(this.#floor)
    if (!outer) this.#floor = 0
    if (!plain) this.#verbs.close()
  }

  /** A run of `*` or of `_` before `next`, never inside a word. */
  #emphasis(run: string, next: string): void {
    const closes = !isSpace(this.#last) && !isWord(next)
    const opens = !isSpace(next) && !isWord(this.#last)
    let left = closes ? this.#close(run) : run
    if (opens && this.#open.length + left.length / 2 < MOST) {
      while (left) {
        const marker = left.slice(0, left.length % 2 || 2)
        left = left.slice(marker.length)
        this.#open.push(marker)
        this.#verbs.open(marker.length === 1 ? 'em' : 'strong')
      }
    }
    if (left) this.#verbs.text(left)
  }

  /** Closes what `run` can; returns what is left of it. */
  #close(run: string): string {
    const markers = this.#open.slice(this.#floor)
    const same = markers.lastIndexOf(run)
    const at = same < 0 ? markers.findLastIndex((marker) => run.startsWith(marker)) : same
    const found = markers[at]
    if (!found) return run
    this.#unwrapTo(this.#floor + at + 1)
    this.#open.pop()
    this.#verbs.close()
    return this.#close(run.slice(found.length))
  }

  #unwrapTo(keep: number): void {
    while (this.#open.length > keep) this.#verbs.unwrap(this.#open.pop() ?? '')
  }
}
