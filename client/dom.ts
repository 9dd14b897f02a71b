import type { Locale } from './locales/locale.ts'

/** The one element that `selector` names in `root`; its absence is a bug of the page. */
export function need<E extends Element>(root: ParentNode, selector: string, type: new () => E): E {
  const found = root.querySelector(selector)
  if (found instanceof type) return found
  throw new Error(`${selector} is missing`)
}

/** Listens, and returns what ends that. */
export function on(target: EventTarget, type: string, listener: (event: Event) => void): () => void {
  target.addEventListener(type, listener)
  return () => target.removeEventListener(type, listener)
}

/** Sets text only when it differs, so that no screen reader hears it twice. */
export function say(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

export function attribute(node: Element, name: string, value: string): void {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value)
}

/** Fills the words of the page's own HTML; `data-t` and `data-t-label` name them. */
export function translate(root: ParentNode, locale: Locale): void {
  const words = new Map<string | null, unknown>(Object.entries(locale))
  const each = (name: string, set: (node: Element, word: string) => void) => {
    for (const node of root.querySelectorAll(`[${name}]`)) {
      const word = words.get(node.getAttribute(name))
      if (typeof word === 'string') set(node, word)
    }
  }
  each('data-t', say)
  each('data-t-label', (node, word) => attribute(node, 'aria-label', word))
}
