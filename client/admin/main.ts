import type { AdminErrorCode, AdminServerMessage } from '../../protocol/admin.ts'
import { browserClock } from '../clock.ts'
import { attribute, need, on, say } from '../dom.ts'
import { BoardView, type Known } from './board.ts'
import { AdminLink, type LinkStatus } from './link.ts'
import { append } from './series.ts'
import { adminSocket } from './socket.ts'
import { rememberedToken } from './token.ts'

const byId = (id: string) => need(document, `#${id}`, HTMLElement)
const field = need(document, '#token', HTMLInputElement)
const button = need(document, '#enter', HTMLButtonElement)
const remembered = rememberedToken(() => sessionStorage)

const STATES: Readonly<Record<LinkStatus, string>> = {
  out: 'not connected',
  connecting: 'connecting…',
  live: 'live',
  waiting: 'connection lost, trying again…',
}

let token = ''
let known: Partial<Known> = {}
let view: BoardView | undefined
let paused = false

const link = new AdminLink({
  open: adminSocket(location),
  clock: browserClock,
  random: Math.random,
  received,
  refused,
  changed,
})

function received(message: Exclude<AdminServerMessage, { type: 'error' }>): void {
  if (message.type === 'welcome') {
    const { about, history } = message
    known = { about, history }
    view ??= new BoardView(about)
    say(byId('about'), `${about.model}${about.mode === 'demo' ? ' · demonstration' : ''}`)
    remembered.keep(token)
    show('board')
  } else if (message.type === 'budget') known.budget = message.budget
  else {
    known.figures = message.figures
    if (known.history) known.history = append(known.history, message.figures.now)
  }
  draw()
}

function draw(): void {
  const { about, history, figures, budget } = known
  if (paused || document.hidden || !about || !history || !figures) return
  view?.draw({ about, history, figures, budget })
}

function refused(code: AdminErrorCode, retryAfterMs: number): void {
  remembered.forget()
  show('login')
  const seconds = Math.ceil(retryAfterMs / 1000)
  const why = code === 'wrong_token' ? 'That is not the token.' : 'Too many tries.'
  say(byId('refused'), seconds > 0 ? `${why} The next try is heard in ${seconds} s.` : why)
  byId('refused').hidden = false
  button.disabled = seconds > 0
  browserClock.after(seconds * 1000, () => {
    button.disabled = false
  })
  field.select()
}

function changed(status: LinkStatus): void {
  attribute(byId('state'), 'data-at', status)
  say(byId('state'), STATES[status])
  say(byId('status'), STATES[status])
}

function show(what: 'login' | 'board'): void {
  byId('login').hidden = what !== 'login'
  for (const id of ['board', 'pause', 'leave']) byId(id).hidden = what !== 'board'
  if (what === 'login') field.focus()
  else field.value = ''
}

function enter(given: string): void {
  token = given
  byId('refused').hidden = true
  link.enter(given)
}

on(byId('login'), 'submit', (event) => {
  event.preventDefault()
  const given = field.value.trim()
  if (given !== '') enter(given)
})
on(byId('leave'), 'click', () => {
  remembered.forget()
  token = ''
  known = {}
  link.leave()
  show('login')
})
on(byId('pause'), 'click', () => {
  paused = !paused
  attribute(byId('pause'), 'aria-pressed', String(paused))
  say(byId('status'), paused ? 'paused' : 'live')
  draw()
})
on(document, 'visibilitychange', draw)

const kept = remembered.read()
if (kept === undefined) show('login')
else enter(kept)
