import { browserClock } from './clock.ts'
import { Composer } from './composer.ts'
import { need, on, translate } from './dom.ts'
import { fr } from './locales/fr.ts'
import { StickyScroll } from './scroll.ts'
import { socketTo, socketUrl } from './socket.ts'
import { Talk } from './talk.ts'
import { TOKEN_KEY, tokensIn } from './tokens.ts'
import { View } from './view.ts'

const locale = fr
const clock = browserClock
const still = matchMedia('(prefers-reduced-motion: reduce)')
const byId = (id: string) => need(document, `#${id}`, HTMLElement)

let frame = 0
const redraw = () => {
  if (frame === 0) frame = requestAnimationFrame(draw)
}

const talk = new Talk({
  open: socketTo(socketUrl(location)),
  clock,
  random: Math.random,
  newId: () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(36)).join(''),
  tokens: tokensIn(() => localStorage),
  lang: locale.lang,
  changed: redraw,
})

const scroll = new StickyScroll(byId('scroll'), byId('newer'))
const asking = (asked: boolean) => {
  if (asked) scroll.stick()
  return asked
}
const view = new View(
  {
    ask(text) {
      if (asking(talk.ask(text))) composer.focus(byId('scroll'))
    },
    retry(id) {
      if (asking(talk.retry(id))) composer.focus(byId('scroll'))
    },
    calm: () => still.matches,
  },
  locale,
)
const composer = new Composer(
  { typed: (text) => talk.typed(text), submit: () => asking(talk.submit()), stop: () => talk.stop() },
  locale,
)

let tick = () => {}
function draw(now: number): void {
  frame = 0
  const { chat, connection } = talk
  const waitMs = Math.max(0, chat.blockedUntil - clock.monotonic())
  composer.draw(chat, connection.status, waitMs)
  const more = view.draw(chat, connection.status, now)
  scroll.follow()
  tick()
  if (waitMs > 0) tick = clock.after(waitMs % 1000 || 1000, redraw)
  if (more) redraw()
}

const sure = need(document, '#sure', HTMLDialogElement)
on(byId('forget'), 'click', () => {
  sure.returnValue = ''
  sure.showModal()
})
on(sure, 'close', () => {
  if (sure.returnValue !== 'yes') return
  talk.forget()
  composer.focus(byId('scroll'))
})

const look = () => talk.connection.hidden(document.hidden)
on(document, 'visibilitychange', look)
on(document, 'pointerdown', () => talk.connection.wake())
on(window, 'online', () => talk.connection.online(true))
on(window, 'offline', () => talk.connection.online(false))
on(window, 'pagehide', () => talk.connection.sleep())
on(window, 'pageshow', look)
on(window, 'storage', (event) => {
  const { key, newValue, oldValue } = event instanceof StorageEvent ? event : {}
  if (key === TOKEN_KEY && newValue === null) talk.forgotten(oldValue ?? null)
})

const viewport = window.visualViewport
if (viewport) {
  on(viewport, 'resize', () => {
    document.documentElement.style.setProperty('--vh', `${viewport.height}px`)
    window.scrollTo(0, 0)
  })
}

translate(document, locale)
talk.typed(composer.text)
talk.connection.online(navigator.onLine)
look()
composer.focus()
