import type { Kind, Verbs } from './markdown-verbs.ts'

/** Draws into `root` with DOM nodes alone; `href` says where a link may lead, undefined leaves its text. */
export function domVerbs(root: Element, href: (url: string) => string | undefined): Verbs {
  const open: Element[] = [root]
  const top = () => open.at(-1) ?? root
  const element = (kind: Kind, detail: string): Element => {
    const node = document.createElement(kind === 'h' ? 'h4' : kind)
    if (kind === 'a') {
      const to = href(detail)
      // Without an element of its own the text goes on where it is.
      if (to === undefined) return top()
      const target = to.startsWith('https:') ? '_blank' : ''
      Object.assign(node, { href: to, rel: 'noopener noreferrer nofollow', ...(target && { target }) })
    } else if (detail) node.setAttribute(kind === 'ol' ? 'start' : 'align', detail)
    // A wide table scrolls in itself, also by keyboard.
    if (kind === 'table') node.tabIndex = 0
    top().append(node)
    return node
  }
  return {
    open: (kind, detail = '') => open.push(element(kind, String(detail))),
    text(text) {
      const last = top().lastChild
      if (last instanceof Text) last.appendData(text)
      else top().append(text)
    },
    lineBreak: () => top().append(document.createElement('br')),
    close: () => open.pop(),
    unwrap(marker) {
      const node = open.pop()
      node?.replaceWith(marker, ...node.childNodes)
    },
    rename(kind) {
      const node = open.pop()
      open.push(element(kind, ''))
      top().append(...(node?.childNodes ?? []))
      node?.remove()
    },
  }
}
