import type { ToFrame, ToHost } from '../protocol/embed.ts'

/** The launcher's style; the build puts it in. */
declare const EMBED_CSS: string

const ACCENT = '#a93a1f'
const labels: Readonly<Record<string, string>> = { en: 'Ask a question', br: 'Sevel ur goulenn' }

const script = document.currentScript
if (script instanceof HTMLScriptElement && !document.querySelector('le-mecano')) start(script)

/** A button on the shop's page, and from its first use on a frame of our origin. */
function start({ src, dataset }: HTMLScriptElement): void {
  const { origin } = new URL(src)
  const lang = dataset.lang || document.documentElement.lang
  const label = dataset.label || labels[(lang || navigator.language).slice(0, 2)] || 'Poser une question'
  const host = make('le-mecano')
  const aside = make('aside')
  const button = make('button')
  const text = make('span')
  const badge = make('b')
  let frame: HTMLIFrameElement | undefined

  const isOpen = () => frame?.hidden === false
  const tell = () => {
    const message: ToFrame = { leMecano: isOpen() ? 'open' : 'close' }
    // Before it is ready the frame may hold another origin, such as the browser's own page of an error.
    if (button.className) frame?.contentWindow?.postMessage(message, origin)
  }
  const show = (wanted: boolean) => {
    if (wanted === isOpen()) return
    frame ??= addFrame()
    frame.hidden = !wanted
    button.ariaExpanded = `${wanted}`
    tell()
    const next = wanted ? frame : button
    next.focus()
  }
  const addFrame = () => {
    const added = make('iframe')
    added.title = label
    added.allow = 'clipboard-write'
    added.src = `${origin}/?embed&lang=${encodeURIComponent(lang)}`
    aside.append(added)
    return added
  }
  const count = (unread: number) => {
    badge.textContent = unread ? `${unread}` : ''
    button.ariaLabel = unread ? `${label} (${unread})` : label
  }

  addEventListener('message', ({ source, origin: from, data }) => {
    if (from !== origin || source !== frame?.contentWindow) return
    const message: ToHost = data
    if (message.leMecano === 'ready') {
      button.className = message.leMecano
      tell()
    } else if (message.leMecano === 'close') show(false)
    else count(message.count)
  })
  addEventListener('keydown', ({ key }) => key === 'Escape' && show(false))
  // On a phone the keyboard takes a part of the page, and the frame can't see that from within.
  visualViewport?.addEventListener('resize', () => {
    aside.style.setProperty('--height', `${visualViewport?.height}px`)
    aside.style.setProperty('--top', `${visualViewport?.offsetTop}px`)
  })
  button.onclick = () => show(!isOpen())
  // For a button of the shop's own: document.querySelector('le-mecano').show(true)
  Object.assign(host, { show })

  aside.className = dataset.position ?? ''
  paint(button.style, dataset.accent)
  button.ariaExpanded = 'false'
  count(0)
  text.textContent = label
  button.append(make('i'), text, badge)
  aside.append(button)
  const root = host.attachShadow({ mode: 'closed' })
  // A constructed sheet passes a policy without 'unsafe-inline'.
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(EMBED_CSS)
  root.adoptedStyleSheets = [sheet]
  root.append(aside)
  // An async script may run before there is a body.
  const page = document.body ?? document.documentElement
  page.append(host)
}

function make<K extends keyof HTMLElementTagNameMap>(name: K): HTMLElementTagNameMap[K]
function make(name: string): HTMLElement
function make(name: string): HTMLElement {
  return document.createElement(name)
}

/** The accent with black or white on it, whichever reads at 4.5:1 or better. */
function paint(style: CSSStyleDeclaration, accent = ''): void {
  const color = /^#[\da-f]{6}$/i.test(accent) ? accent : ACCENT
  const light = (at: number) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2
  style.background = color
  style.color = 0.21 * light(1) + 0.72 * light(3) + 0.07 * light(5) > 0.18 ? '#000' : '#fff'
}
