import { safeHref } from '../../client/links.ts'
import { Markdown } from '../../client/markdown.ts'
import type { Kind, Verbs } from '../../client/markdown-verbs.ts'

type Node = { kind: Kind | 'br' | 'root'; attribute: string; children: (Node | string)[] }
type Href = (url: string) => string | undefined

const VOID = new Set(['br', 'hr'])
const shopOnly: Href = (url) => safeHref(url, ['shop.example'])

function htmlOf(node: Node | string, encode: (text: string) => string): string {
  if (typeof node === 'string') return encode(node)
  const { kind, attribute, children } = node
  if (VOID.has(kind)) return `<${kind}>`
  return `<${kind}${attribute}>${children.map((child) => htmlOf(child, encode)).join('')}</${kind}>`
}

/** A tree drawn by the page's verbs, which throws where they don't fit, and counts what they cost. */
export class Tree {
  readonly #root: Node = { kind: 'root', attribute: '', children: [] }
  readonly #open: Node[] = [this.#root]
  /** How many elements stood in each other at most. */
  deepest = 0
  /** Verbs called, and nodes moved by them. */
  steps = 0
  readonly verbs: Verbs

  constructor(href: Href = shopOnly) {
    this.verbs = {
      open: (kind, detail = '') => this.#push(kind, String(detail), kind === 'a' ? href(String(detail)) : ''),
      text: (text) => {
        if (text === '') throw new Error('draws nothing')
        this.#put(text)
      },
      lineBreak: () => this.#put({ kind: 'br', attribute: '', children: [] }),
      close: () => {
        this.#pop()
      },
      unwrap: (marker) => this.#unwrap(marker),
      rename: (kind) => {
        this.#top.kind = kind
        this.steps += this.#top.children.length
      },
    }
  }

  get #top(): Node {
    return this.#open.at(-1) ?? this.#root
  }

  /** Throws when anything is open still. */
  html(encode = (text: string) => text): string {
    if (this.#open.length > 1) throw new Error(`${this.#top.kind} is open still`)
    return this.#root.children.map((child) => htmlOf(child, encode)).join('')
  }

  #put(child: Node | string): void {
    this.steps++
    this.#top.children.push(child)
  }

  #push(kind: Kind, detail: string, to: string | undefined): void {
    const attribute = kind === 'a' ? ` href=${to}` : detail && detail !== '1' ? ` ${detail}` : ''
    const node: Node = to === undefined ? this.#top : { kind, attribute, children: [] }
    if (to !== undefined) this.#put(node)
    this.#open.push(node)
    this.deepest = Math.max(this.deepest, this.#open.length)
  }

  #pop(): Node {
    const node = this.#open.length > 1 ? this.#open.pop() : undefined
    if (!node) throw new Error('nothing is open')
    this.steps++
    return node
  }

  #unwrap(marker: string): void {
    const node = this.#pop()
    const { children } = this.#top
    if (children.at(-1) !== node) throw new Error('something came after the innermost element')
    children.pop()
    this.steps += node.children.length
    for (const child of [marker, ...node.children]) children.push(child)
  }
}

/** The chunks drawn, as HTML whose text is not escaped; links lead to `shop.example` alone. */
export function render(...chunks: string[]): string {
  return draw(chunks).html()
}

export function draw(chunks: readonly string[], href?: Href): Tree {
  const tree = new Tree(href)
  const markdown = new Markdown(tree.verbs)
  for (const chunk of chunks) markdown.write(chunk)
  markdown.end()
  return tree
}
