import type { Kind, Verbs } from './markdown-verbs.ts'

const tagOf = (kind: Kind) => (kind === 'h' ? 'h4' : kind)

/** Draws into `root` with DOM nodes alone; `href` says where a link may lead, undefined leaves its text. */
export function domVerbs(root: Element, href: (url: string) => string | undefined): Verbs {
  const open: Element[] = [root]
  const top = () => open.at(-1) ?? root
  const unwrap = (level: number, marker: string) => {
    const [node] = open.splice(open.length - 1 - level, 1)
    node?.replaceWith(marker, ...node.childNodes)
  }
  return {
    open(kind, detail) {
      const node = document.createElement(tagOf(kind))
      // A wide table scrolls in itself, also by keyboard.
      if (kind === 'table') node.tabIndex = 0
      if (detail !== undefined) node.setAttribute(kind === 'ol' ? 'start' : 'align', String(detail))
      top().append(node)
      open.push(node)
    },
    text(text) {
      const last = top().lastChild
      if (last instanceof Text) last.appendData(text)
      else top().append(text)
    },
    lineBreak: () => top().append(document.createElement('br')),
    close: () => open.pop(),
    link(url) {
      const to = href(url)
      if (to === undefined) return unwrap(0, '')
      const node = open.pop()
      node?.setAttribute('href', to)
      node?.setAttribute('rel', 'noopener noreferrer nofollow')
      if (to.startsWith('https:')) node?.setAttribute('target', '_blank')
    },
    unwrap,
  }
}
