import { busyTurn } from './chat.ts'
import { browserClock } from './clock.ts'
import { Composer } from './composer.ts'
import { need, on, translate } from './dom.ts'
import { loadLocale } from './language.ts'
import { loadFrame, loadSave } from './parts.ts'
import { StickyScroll } from './scroll.ts'
import { socketTo, socketUrl } from './socket.ts'
import { solveInWorker } from './solver.ts'
import { Talk } from './talk.ts'
import { TOKEN_KEY, tokensIn } from './tokens.ts'
import { View } from './view.ts'

const clock = browserClock
const still = matchMedia('(prefers-reduced-motion: reduce)')
const byId = (id: string) => need(document, `#${id}`, HTMLElement)
const html = document.documentElement

const isFramed = window.parent !== window
html.classList.toggle('embed', isFramed)

const wishes = {
  asked: new URLSearchParams(location.search).get('lang'),
  browser: navigator.languages,
  persona: (html.dataset.langs ?? '').split(' '),
  own: html.lang,
}
const [locale, frame] = await Promise.all([
  loadLocale(wishes),
  isFramed ? loadFrame().then(({ Frame }) => new Frame(window)) : undefined,
]).catch((error: unknown) => {
  byId('contact').classList.add('on')
  throw error
})
html.lang = locale.lang

let drawing = 0
const redraw = () => {
  if (drawing === 0) drawing = requestAnimationFrame(draw)
}

const talk = new Talk({
  open: socketTo(socketUrl(location)),
  clock,
  random: Math.random,
  newId: () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(36)).join(''),
  solve: solveInWorker,
  tokens: tokensIn(() => localStorage),
  lang: locale.lang,
  changed(chat) {
    composer.write(chat.draft)
    // Not when it is drawn: a frame that is put away draws nothing.
    frame?.answers(chat.turns.filter(({ state }) => state !== 'asking' && state !== 'streaming').length)
    redraw()
  },
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
    ...(navigator.clipboard && { copy: (text: string) => navigator.clipboard.writeText(text) }),
  },
  locale,
)
const composer = new Composer(
  {
    typed: (text) => talk.typed(text),
    submit: () => asking(talk.submit()),
    stop() {
      if (busyTurn(talk.chat)) talk.stop()
      else frame?.close()
    },
  },
  locale,
)

let tick = () => {}
function draw(now: number): void {
  drawing = 0
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

on(byId('save'), 'click', async () => {
  const { save } = await loadSave()
  save(talk.chat, locale, view.name, new Date())
})

if (frame) {
  on(byId('close'), 'click', () => frame.close())
  frame.onOpen = () => {
    byId('close').hidden = false
    composer.focus(byId('scroll'))
  }
}

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
